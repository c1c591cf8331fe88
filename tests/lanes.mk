# SPDX-License-Identifier: MIT
# Dependencies, test lanes, demonstration, benchmarks. Included by Makefile.

# What Debian 12 and 13 call it. build: compile; test: every lane.
DEPS_BUILD := gcc make pkg-config libc6-dev libpam0g-dev libseccomp-dev \
	libjansson-dev libmd-dev libsqlite3-dev libedit-dev
DEPS_TEST := libcmocka-dev libpam-wrapper openssh-server openssh-client \
	openssh-sftp-server qemu-system-x86 mmdebstrap e2fsprogs python3 \
	iproute2 util-linux procps groff binutils strace cron at rsync git \
	pamtester jq clang lld wasi-libc libclang-rt-dev-wasm32 golang-go \
	rsyslog systemd-journal-remote
DEPS_COV := gcovr
DEPS_VALGRIND := valgrind libc6-dbg
DEPS_BENCH := bubblewrap firejail
DEPS_FUZZ := clang libclang-rt-dev

# Idempotent, quiet when nothing is missing. Services that the packages would
# start (sshd, cron) are not wanted on a build machine: policy-rc.d says no
# unless the machine has its own word on it.
define install_packages
@missing=$$(for p in $(1); do dpkg-query -W -f='$${db:Status-Status}\n' $$p \
	2>/dev/null | grep -qx installed || echo $$p; done); \
[ -z "$$missing" ] && exit 0; \
echo "installing:" $$missing; \
made=; [ -e /usr/sbin/policy-rc.d ] || { made=1; \
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; \
	chmod 0755 /usr/sbin/policy-rc.d; }; \
apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	--no-install-recommends $$missing >/dev/null; status=$$?; \
[ -z "$$made" ] || rm -f /usr/sbin/policy-rc.d; exit $$status
endef

.PHONY: deps deps-build deps-bench deps-cov deps-valgrind
deps-build:
	$(call install_packages,$(DEPS_BUILD))
deps:
	$(call install_packages,$(DEPS_BUILD) $(DEPS_TEST))
deps-bench: deps
	$(call install_packages,$(DEPS_BENCH))
deps-cov: deps
	$(call install_packages,$(DEPS_COV))
deps-valgrind: deps
	$(call install_packages,$(DEPS_VALGRIND))

# What the lanes need built; a sub-make, so that deps comes before the first
# call of pkg-config.
.PHONY: test-bin red red-wasm module-test-bin
test-bin: all unit-bin live-bin escape-bin module-test-bin wasm-modules red-wasm
red:
	+$(Q)$(MAKE) BUILD=red all
red-wasm: # what tests/live/wasm.sh takes the guards of a command out of
	+$(Q)$(MAKE) BUILD=red O=$(call other,red) $(call other,red)/bvisor-wasm

SUITES ?= bookworm trixie

.PHONY: check check-static check-unit check-live check-vm check-red asan
check: deps-fuzz
	+$(Q)$(MAKE) test-bin
	$(Q)FUZZ_SECS=$(FUZZ_SECS) tests/check $(O) $(addprefix vm:,$(SUITES)) \
		static unit live fuzz ledger

check-static: all
	$(Q)tests/check $(O) static
check-unit: all unit-bin module-test-bin
	$(Q)tests/check $(O) unit
check-live: test-bin
	$(Q)tests/check $(O) live
check-vm: test-bin
	$(Q)tests/check $(O) $(addprefix vm:,$(SUITES))
# Each guard taken out in turn; the test that must notice is seen to notice.
check-red: deps
	+$(Q)$(MAKE) test-bin
	+$(Q)$(MAKE) BUILD=red O=$(call other,red) all
	$(Q)tests/check $(O) red-live $(addprefix red:,$(SUITES))

# What dies when, and what recovery makes of it: guardian, leader or both killed at
# every step of the way; every system call of guardian and module failed once;
# SESSIONS with random kills beside a holder; root, this kernel. The same in both
# guests, shortened. check-power: guests that lose their power CUTS times in the
# middle of logins.
SESSIONS ?= 10000
CUTS ?= 3
.PHONY: check-crash check-inject check-many check-power crash-bin
crash-bin: $(addprefix $(O)/tests/crash/test_,crash inject many)
check-crash: deps
	+$(Q)$(MAKE) BUILD=red O=$(call other,red) all crash-bin
	$(Q)SESSIONS=$(SESSIONS) tests/check $(call other,red) crash \
		$(addprefix crash:,$(SUITES))
check-inject check-many: deps
	+$(Q)$(MAKE) BUILD=red O=$(call other,red) all crash-bin
	$(Q)SESSIONS=$(SESSIONS) tests/check $(call other,red) $(@:check-%=%)
check-power: deps
	$(Q)CUTS=$(CUTS) tests/check $(O) $(addprefix power:,$(SUITES))

# A build of another kind: build/KIND, or beside an O= of the command line.
other = $(if $(filter command%,$(origin O)),$(O)-$(1),build/$(1))

# Every unit test under the sanitizers; under valgrind; counted line by line.
.PHONY: coverage valgrind check-mutation check-faults
asan:
	+$(Q)$(MAKE) BUILD=asan O=$(call other,asan) unit-bin module-test-bin
	$(Q)tests/check $(call other,asan) unit
valgrind: deps-valgrind
	+$(Q)$(MAKE) BUILD=debug O=$(call other,debug) unit-bin module-test-bin
	$(Q)tests/check $(call other,debug) valgrind
coverage: deps-cov
	+$(Q)$(MAKE) BUILD=cov O=$(call other,cov) unit-bin module-test-bin
	$(Q)tests/check $(call other,cov) coverage

# Small changes of the planner, every one there is, and chosen faults anywhere
# in core: the unit tests must notice. MUTANTS=200: a fixed sample.
MUTANTS ?= 0
check-mutation: deps
	$(Q)MUTANTS=$(MUTANTS) tests/check $(O) mutation
check-faults: deps
	$(Q)tests/check $(O) faults

# Every kind and budget of the support matrix with the tests that show it; fails
# when one claims without. After a make check: with what became of each.
.PHONY: check-matrix
check-matrix: $(O)/tests/matrix/cells
	$(Q)tests/matrix/check $(O)

.PHONY: fuzz deps-fuzz
deps-fuzz: deps
	$(call install_packages,$(DEPS_FUZZ))
FUZZ_SECS ?= 60
fuzz: deps-fuzz
	$(Q)tests/fuzz/run $(FUZZ_SECS)

.PHONY: demo bench
demo: deps
	+$(Q)$(MAKE) all
	$(Q)tests/demo
bench: deps-bench
	+$(Q)$(MAKE) all module-test-bin
	$(Q)tests/bench/run $(O)
