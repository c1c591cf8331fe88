# SPDX-License-Identifier: MIT
# pam_bvisor. One file, non-recursive, GNU make.
#
#   make deps      install what building and testing need (Debian, root)
#   make all       the module, the helper, bvisorctl, the shells
#   make check     every lane: unit, live (this kernel), vm (two Debian guests)
#   make install   DESTDIR, prefix …; never overwrites configuration
#
# BUILD=release|debug|asan|red|cov picks flags and the build folder.

BUILD ?= release
O := build/$(BUILD)

prefix      ?= /usr
sysconfdir  ?= /etc
libexecdir  ?= $(prefix)/libexec
sbindir     ?= $(prefix)/sbin
mandir      ?= $(prefix)/share/man
docdir      ?= $(prefix)/share/doc/pam_bvisor
unitdir     ?= $(prefix)/lib/systemd/system
tmpfilesdir ?= $(prefix)/lib/tmpfiles.d
DEB_MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
# Whatever the prefix: libpam and pam-auth-update look nowhere else. With another
# securedir the PAM lines have to give the module's whole path, and those that are
# installed do.
libpamdir   := /usr/lib/$(if $(DEB_MULTIARCH),$(DEB_MULTIARCH)/)security
securedir   ?= $(libpamdir)
pamprofiledir ?= /usr/share/pam-configs

PKG_CONFIG ?= pkg-config
INSTALL    ?= install
V ?= 0
Q := $(if $(filter 1,$(V)),,@)

helper_path := $(libexecdir)/bvisor-helper
bindir      ?= $(prefix)/bin
shell_path  := $(bindir)/bvisor-shell
wasm_path   := $(bindir)/bvisor-wasm
wasmdir     ?= $(prefix)/lib/bvisor/wasm
module_path := $(securedir)/pam_bvisor.so

# --- flags -----------------------------------------------------------------

BV_WARN := -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wformat=2 \
	-Wformat-signedness -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wredundant-decls -Wundef -Wvla -Walloca \
	-Wcast-qual -Wwrite-strings -Wpointer-arith -Wnull-dereference \
	-Wlogical-op -Wduplicated-cond -Wduplicated-branches \
	-Wimplicit-fallthrough=5 -Wdate-time -Werror

BV_CPPFLAGS := -I. -D_GNU_SOURCE
BV_CFLAGS := -std=c17 -g -pipe $(BV_WARN) -fno-common -fvisibility=hidden \
	-fno-strict-aliasing
BV_HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	-fstack-clash-protection -ftrivial-auto-var-init=zero
ifneq ($(filter x86_64-%,$(DEB_MULTIARCH)),)
BV_HARDEN += -fcf-protection=full
endif
ifneq ($(filter aarch64-%,$(DEB_MULTIARCH)),)
BV_HARDEN += -mbranch-protection=standard
endif
BV_LDFLAGS := -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code \
	-Wl,--as-needed,--fatal-warnings

ifeq ($(BUILD),release)
BV_CFLAGS += -O2 $(BV_HARDEN)
else ifeq ($(BUILD),debug)
BV_CFLAGS += -Og
else ifeq ($(BUILD),asan)
BV_CFLAGS += -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all \
	-fsanitize=address,undefined,float-cast-overflow,bounds-strict
BV_LDFLAGS := -fsanitize=address,undefined
else ifeq ($(BUILD),red)
BV_CFLAGS += -O2 $(BV_HARDEN)
BV_CPPFLAGS += -DBV_RED
else ifeq ($(BUILD),cov)
BV_CFLAGS += -O0 --coverage
BV_LDFLAGS += --coverage
else
$(error BUILD=$(BUILD) is none of release, debug, asan, red, cov)
endif

HELPER_PKGS := jansson libmd libseccomp sqlite3
HELPER_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(HELPER_PKGS))
HELPER_LIBS = $(shell $(PKG_CONFIG) --libs $(HELPER_PKGS))
CORE_LIBS = $(shell $(PKG_CONFIG) --libs jansson libmd)
TEST_LIBS = $(shell $(PKG_CONFIG) --libs cmocka)
# libm: the rounding instructions of WebAssembly
WASM_LIBS := -lm

# --- what is linked into what: these lists are the trust boundary ------------

CORE_SRC := $(sort $(wildcard core/*.c))
LEDGER_SRC := $(sort $(wildcard ledger/*.c))
MODULE_SRC := $(sort $(wildcard pam_bvisor/*.c))
LINUX_SRC := $(filter-out helper/main.c,$(sort $(wildcard helper/*.c)))
CTL_SRC := $(sort $(wildcard helper/ctl/*.c))
SHELL_SRC := $(sort $(wildcard helper/shell/*.c))
GUARD_SRC := helper/main.c
WIRE_SRC := pam_bvisor/wire.c
ARGS_SRC := pam_bvisor/args.c
WASM_SRC := $(sort $(wildcard wasm/*.c))
WSH_SRC := $(sort $(wildcard wasm/shell/*.c))

UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
LIVE_SRC := $(sort $(wildcard tests/live/test_*.c))
ESCAPE_SRC := $(sort $(wildcard tests/escape/*.c))

obj = $(patsubst %.c,$(O)/%.o,$(1))
pic = $(patsubst %.c,$(O)/%.pic.o,$(1))

PROGRAMS := $(O)/bvisor-helper $(O)/bvisorctl $(O)/bvisor-shell $(O)/bvisor-wasm
MODULE := $(O)/pam_bvisor.so

.DELETE_ON_ERROR:
.PHONY: all
all: $(MODULE) $(PROGRAMS)

# Named, so that one that is not there yet is no reason for make to look for a rule
# that can do without it.
$(call obj,$(CORE_SRC) $(WASM_SRC)):

# Where the parts find each other is compiled into them, so what was made for other
# places (make; make install prefix=/usr/local) has to be made again. Forced only
# when the places have changed: make -n and make -q stay of use.
PLACES := $(helper_path) $(shell_path) $(wasm_path) $(wasmdir) $(module_path) $(libpamdir)
$(O)/paths.stamp:
	@mkdir -p $(@D)
	@printf '%s\n' '$(PLACES)' >$@
ifneq ($(file <$(O)/paths.stamp),$(PLACES))
$(O)/paths.stamp: FORCE
endif
.PHONY: FORCE
FORCE:

$(O)/%.o: %.c $(O)/paths.stamp
	@mkdir -p $(@D)
	$(Q)$(CC) $(BV_CPPFLAGS) -DBV_HELPER_PATH='"$(helper_path)"' \
		-DBV_SHELL_PATH='"$(shell_path)"' \
		-DBV_WASM_PATH='"$(wasm_path)"' -DBV_WASM_STORE='"$(wasmdir)"' \
		-DBV_MODULE_PATH='"$(module_path)"' -DBV_PAM_DIR='"$(libpamdir)"' \
		$(BV_CFLAGS) -fPIE $(HELPER_CFLAGS) $(CPPFLAGS) $(CFLAGS) \
		-MMD -MP -c -o $@ $<

$(O)/%.pic.o: %.c $(O)/paths.stamp
	@mkdir -p $(@D)
	$(Q)$(CC) $(BV_CPPFLAGS) -DBV_HELPER_PATH='"$(helper_path)"' \
		$(BV_CFLAGS) -fPIC $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(MODULE): $(call pic,$(MODULE_SRC)) pam_bvisor/pam_bvisor.map
	@mkdir -p $(@D)
	$(Q)$(CC) -shared $(BV_CFLAGS) $(BV_LDFLAGS) -Wl,-z,defs,-z,nodelete \
		-Wl,--no-undefined-version \
		-Wl,--version-script=pam_bvisor/pam_bvisor.map $(LDFLAGS) \
		-o $@ $(call pic,$(MODULE_SRC)) -lpam

$(O)/bvisor-helper: $(call obj,$(GUARD_SRC) $(LINUX_SRC) $(LEDGER_SRC) $(CORE_SRC) $(WIRE_SRC))
	$(Q)$(CC) -pie $(BV_CFLAGS) $(BV_LDFLAGS) $(LDFLAGS) -o $@ $^ $(HELPER_LIBS)

# bvisorctl proves with what bvisor-shell launches by, looks at modules, and reads the
# words of a PAM line as the module does.
$(O)/bvisorctl: $(call obj,$(CTL_SRC) $(addprefix helper/shell/,ask.c launch.c reach.c streams.c) wasm/shell/store.c $(WASM_SRC) $(LINUX_SRC) $(LEDGER_SRC) $(CORE_SRC) $(WIRE_SRC) $(ARGS_SRC))
	$(Q)$(CC) -pie $(BV_CFLAGS) $(BV_LDFLAGS) $(LDFLAGS) -o $@ $^ $(HELPER_LIBS) $(WASM_LIBS)

# What the session's user runs: of the helper the launch alone.
SHELL_PARTS := helper/launch.c helper/lease.c helper/dir.c helper/pass.c \
	helper/filter_export.c helper/spawn_filter.c helper/sys.c helper/red.c
$(O)/bvisor-shell: $(call obj,$(SHELL_SRC) $(SHELL_PARTS) $(CORE_SRC))
	$(Q)$(CC) -pie $(BV_CFLAGS) $(BV_LDFLAGS) $(LDFLAGS) -o $@ $^ $(HELPER_LIBS)

# Static: no loader, no library, no name service and no plugin of a locale is
# ever brought into it, whatever its environment says. Sanitizers and counters
# need shared libraries.
WSH_PARTS := helper/dir.c helper/filter_export.c helper/log.c helper/pass.c \
	helper/red.c helper/sys.c helper/trust.c helper/shell/reach.c
WSH_LIBS := -ledit -lbsd -ltinfo -lseccomp -ljansson -lmd -lm
WSH_STATIC := $(if $(filter asan cov,$(BUILD)),-pie,-static-pie)
$(O)/bvisor-wasm: $(call obj,$(WSH_SRC) $(WSH_PARTS) $(WASM_SRC) $(CORE_SRC))
	$(Q)$(CC) $(WSH_STATIC) $(BV_CFLAGS) $(BV_LDFLAGS) $(LDFLAGS) -o $@ $^ $(WSH_LIBS)

# --- tests -------------------------------------------------------------------

UNIT_BIN := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(UNIT_SRC))
LIVE_BIN := $(patsubst tests/live/%.c,$(O)/tests/live/%,$(LIVE_SRC))
ESCAPE_BIN := $(patsubst tests/escape/%.c,$(O)/tests/escape/%,$(ESCAPE_SRC))

# Tests of one unit link the whole core and, by name, what else they need.
$(O)/tests/unit/%: $(O)/tests/unit/%.o $(call obj,$(CORE_SRC) $(LEDGER_SRC) $(WIRE_SRC) $(LINUX_SRC))
	$(Q)$(CC) -pie $(BV_CFLAGS) $(BV_LDFLAGS) $(LDFLAGS) -o $@ $^ \
		$(TEST_LIBS) $(HELPER_LIBS) -lpam -ldl

$(O)/tests/unit/test_wasm_%: $(O)/tests/unit/test_wasm_%.o $(call obj,$(CORE_SRC) $(WASM_SRC))
	$(Q)$(CC) -pie $(BV_CFLAGS) $(BV_LDFLAGS) $(LDFLAGS) -o $@ $^ \
		$(TEST_LIBS) $(CORE_LIBS) $(WASM_LIBS)

$(O)/tests/live/%: $(O)/tests/live/%.o $(call obj,$(CORE_SRC) $(LEDGER_SRC) $(WIRE_SRC) $(LINUX_SRC))
	$(Q)$(CC) -pie $(BV_CFLAGS) $(BV_LDFLAGS) $(LDFLAGS) -o $@ $^ \
		$(TEST_LIBS) $(HELPER_LIBS) -lpam -ldl

$(O)/tests/live/test_wasm_%: $(O)/tests/live/test_wasm_%.o $(call obj,$(addprefix wasm/shell/,store.c confine.c filter.c red.c) $(WSH_PARTS) $(WASM_SRC) $(CORE_SRC))
	$(Q)$(CC) -pie $(BV_CFLAGS) $(BV_LDFLAGS) $(LDFLAGS) -o $@ $^ \
		$(TEST_LIBS) $(HELPER_LIBS) $(WASM_LIBS)

$(O)/tests/crash/%: $(O)/tests/crash/%.o $(call obj,$(CORE_SRC) $(LEDGER_SRC) $(WIRE_SRC) $(LINUX_SRC))
	$(Q)$(CC) -pie $(BV_CFLAGS) $(BV_LDFLAGS) $(LDFLAGS) -o $@ $^ \
		$(TEST_LIBS) $(HELPER_LIBS) -lpam -ldl

# What the support matrix claims, for tests/matrix/check.
$(O)/tests/matrix/cells: $(O)/tests/matrix/cells.o $(call obj,$(CORE_SRC))
	$(Q)$(CC) -pie $(BV_CFLAGS) $(BV_LDFLAGS) $(LDFLAGS) -o $@ $^ $(HELPER_LIBS)

# The attackers stand alone: libc and nothing of ours.
$(O)/tests/escape/%: tests/escape/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(BV_CPPFLAGS) $(BV_CFLAGS) -O1 $(CFLAGS) -o $@ $<

# … one of them without even a libc to load, as Go's programs are.
$(O)/tests/escape/attack-spawn: private CFLAGS += -static

# A PAM module that leads sshd's child astray.
TURN_SO := $(O)/tests/live/pam_turn.so
$(TURN_SO): tests/live/pam/pam_turn.c
	@mkdir -p $(@D)
	$(Q)$(CC) -shared $(BV_CPPFLAGS) $(BV_CFLAGS) -fPIC $(CFLAGS) $(LDFLAGS) \
		-o $@ $< -lpam

# Preloaded into bvisorctl: its child allocates nothing.
ALLOC_SO := $(O)/tests/live/child_alloc.so
$(ALLOC_SO): tests/live/preload/child_alloc.c
	@mkdir -p $(@D)
	$(Q)$(CC) -shared $(BV_CPPFLAGS) $(BV_CFLAGS) -fPIC $(CFLAGS) $(LDFLAGS) \
		-o $@ $<

.PHONY: unit-bin live-bin escape-bin
unit-bin: $(UNIT_BIN) $(O)/tests/wasm/subset
live-bin: $(LIVE_BIN) $(TURN_SO) $(ALLOC_SO)
escape-bin: $(ESCAPE_BIN) $(TURN_SO)

include tests/lanes.mk
include tests/wasm/wasm.mk
-include tests/unit/module.mk

-include $(shell find $(O) -name '*.d' 2>/dev/null)

.PHONY: clean
clean:
	rm -rf build

# --- install -----------------------------------------------------------------

MAN := $(sort $(wildcard man/*.[1-8]))
MAN_SECTIONS := $(patsubst .%,%,$(sort $(suffix $(MAN))))
EXAMPLES := $(sort $(wildcard etc/policies/*.conf)) etc/pam.d/bvisor etc/wasm.conf \
	etc/rsyslog.conf
WASM_EXAMPLES := $(sort $(wildcard etc/wasm.d/*.conf))

# Pages, examples and units name the places that things are installed to.
PAM_NAME := $(if $(filter $(libpamdir) $(libpamdir:/usr%=%),$(securedir)),,$(securedir)/)pam_bvisor.so
SED_PLACES := sed -e 's|/usr/share/doc/pam_bvisor|$(docdir)|g' \
	-e 's|/usr/lib/bvisor/wasm|$(wasmdir)|g' \
	-e 's|/usr/bin/bvisor-|$(bindir)/bvisor-|g' \
	-e 's|@libexecdir@|$(libexecdir)|g' \
	-e 's|\(required[[:space:]]\{1,\}\)pam_bvisor\.so|\1$(PAM_NAME)|g'
# texts DIR,FILES: put them there, the places written in.
define texts
for f in $(2); do \
	$(SED_PLACES) "$$f" >$(O)/text.tmp && $(INSTALL) -m 0644 $(O)/text.tmp \
		"$(DESTDIR)$(1)/$${f##*/}" || exit 1; done; rm -f $(O)/text.tmp
endef

.PHONY: install uninstall
install: all
	$(INSTALL) -d "$(DESTDIR)$(securedir)" "$(DESTDIR)$(libexecdir)" \
		"$(DESTDIR)$(sbindir)" "$(DESTDIR)$(bindir)" "$(DESTDIR)$(unitdir)" \
		"$(DESTDIR)$(tmpfilesdir)" "$(DESTDIR)$(pamprofiledir)" \
		"$(DESTDIR)$(docdir)/examples/wasm.d"
	$(INSTALL) -d -m 0755 "$(DESTDIR)$(sysconfdir)/bvisor" \
		"$(DESTDIR)$(sysconfdir)/bvisor/policies" \
		"$(DESTDIR)$(sysconfdir)/bvisor/wasm.d" "$(DESTDIR)$(wasmdir)"
	$(INSTALL) -m 0644 $(MODULE) "$(DESTDIR)$(securedir)/pam_bvisor.so"
	$(INSTALL) -m 0755 $(O)/bvisor-helper "$(DESTDIR)$(libexecdir)/bvisor-helper"
	$(INSTALL) -m 0755 $(O)/bvisorctl "$(DESTDIR)$(sbindir)/bvisorctl"
	$(INSTALL) -m 0755 $(O)/bvisor-shell "$(DESTDIR)$(bindir)/bvisor-shell"
	$(INSTALL) -m 0755 $(O)/bvisor-wasm "$(DESTDIR)$(bindir)/bvisor-wasm"
	$(Q)$(call texts,$(unitdir),etc/bvisor.service)
	$(Q)$(call texts,$(tmpfilesdir),etc/tmpfiles.d/bvisor.conf)
	$(Q)$(call texts,$(pamprofiledir),etc/pam-configs/bvisor)
	$(Q)$(call texts,$(docdir),README.md)
	$(Q)$(call texts,$(docdir)/examples,$(EXAMPLES))
	$(Q)$(call texts,$(docdir)/examples/wasm.d,$(WASM_EXAMPLES))
	[ -e "$(DESTDIR)$(sysconfdir)/bvisor/bvisor.conf" ] || \
		$(INSTALL) -m 0644 etc/bvisor.conf "$(DESTDIR)$(sysconfdir)/bvisor/"
	$(INSTALL) -d $(foreach s,$(MAN_SECTIONS),"$(DESTDIR)$(mandir)/man$(s)")
	$(Q)$(foreach s,$(MAN_SECTIONS),$(call texts,$(mandir)/man$(s),$(filter %.$(s),$(MAN)));)

# A PAM line whose module is gone refuses everybody, root too; so does the profile
# of pam-auth-update, which writes such lines. First they go, then the module.
PAM_FILES := "$(DESTDIR)$(sysconfdir)/pam.d" "$(DESTDIR)$(sysconfdir)/pam.conf" \
	"$(DESTDIR)/usr/lib/pam.d"
define no_pam_line
lines=$$(grep -RHsnE --exclude='*~' --exclude='*.dpkg-*' --exclude='*.pam-old' '^[^#]*pam_bvisor\.so' \
	$(PAM_FILES); grep -sHnx 'Module: bvisor' "$(DESTDIR)"/var/lib/pam/*); \
[ -z "$$lines" ] || { printf '%s\n' 'uninstall: nothing is removed: without the' \
	'module these lines refuse everybody, root too. Take these lines out first' \
	'(or pam-auth-update --remove bvisor):' "$$lines" >&2; exit 1; }
endef
# Of ours alone, from the inside out; the directories of the system stay.
OUR_DIRS := $(docdir)/examples/wasm.d $(docdir)/examples $(docdir) $(wasmdir) \
	$(filter %/bvisor,$(patsubst %/,%,$(dir $(wasmdir)))) \
	$(addprefix $(sysconfdir)/bvisor,/policies /wasm.d) $(sysconfdir)/bvisor

# Configuration, modules of WebAssembly and records are the administrator's: they stay.
uninstall:
	@$(no_pam_line)
	rm -f "$(DESTDIR)$(securedir)/pam_bvisor.so" \
		"$(DESTDIR)$(libexecdir)/bvisor-helper" \
		"$(DESTDIR)$(sbindir)/bvisorctl" \
		"$(DESTDIR)$(bindir)/bvisor-shell" \
		"$(DESTDIR)$(bindir)/bvisor-wasm" \
		"$(DESTDIR)$(unitdir)/bvisor.service" \
		"$(DESTDIR)$(tmpfilesdir)/bvisor.conf" \
		"$(DESTDIR)$(pamprofiledir)/bvisor" \
		"$(DESTDIR)$(docdir)/README.md" \
		$(foreach f,$(notdir $(EXAMPLES)),"$(DESTDIR)$(docdir)/examples/$(f)") \
		$(foreach f,$(notdir $(WASM_EXAMPLES)),"$(DESTDIR)$(docdir)/examples/wasm.d/$(f)") \
		$(foreach s,$(MAN_SECTIONS),$(foreach f,$(notdir $(filter %.$(s),$(MAN))),"$(DESTDIR)$(mandir)/man$(s)/$(f)"))
	@rmdir --ignore-fail-on-non-empty \
		$(foreach d,$(OUR_DIRS),"$(DESTDIR)$(d)") 2>/dev/null || :
