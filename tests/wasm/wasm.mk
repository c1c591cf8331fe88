# SPDX-License-Identifier: MIT
# The WebAssembly engine's own lanes. Included by Makefile.
#
#   make check-wasm                 the assertions kept here, in the release
#                                   build and under sanitizers with BW_CHECK
#   make check-wasm SPEC_DIR=DIR    also the .wast files of DIR (wast2json)
#   make check-wasm WASI_DIR=DIR    also the programs of DIR/c and DIR/rust
#   make check-wasm RANDOM_N=10000  as many random modules against node (500)
#   make bench-wasm                 programs against their native selves
#
# Where the suites lie beside the checkout they are found.

SPEC_DIR ?= $(wildcard ../shared/conformance/spec)
WASI_DIR ?= $(wildcard ../shared/conformance/wasi)
RANDOM_N ?= 500

DEPS_WASM := wabt binaryen nodejs clang lld wasi-libc libclang-rt-dev-wasm32 tcl

WASM_UNIT := $(patsubst %.c,$(O)/%,$(sort $(wildcard tests/unit/test_wasm_*.c)))
WASM_TESTS := $(WASM_UNIT) $(addprefix $(O)/tests/wasm/,spec subset random wasirun)

$(O)/tests/wasm/%: $(O)/tests/wasm/%.o $(call obj,$(WASM_SRC) $(CORE_SRC))
	$(Q)$(CC) -pie $(BV_CFLAGS) $(BV_LDFLAGS) $(LDFLAGS) -o $@ $^ \
		$(CORE_LIBS) $(WASM_LIBS)

.PHONY: wasm-bin check-wasm bench-wasm deps-wasm
deps-wasm: deps
	$(call install_packages,$(DEPS_WASM))
wasm-bin: $(WASM_TESTS)
# A second build beside the first: sanitizers, and every slot asserted.
check-wasm: deps-wasm
	+$(Q)$(MAKE) wasm-bin
	+$(Q)$(MAKE) BUILD=asan O=$(O)/asan CPPFLAGS=-DBW_CHECK wasm-bin
	$(Q)tests/wasm/run $(O) "$(SPEC_DIR)" "$(WASI_DIR)" $(RANDOM_N)
bench-wasm: deps-wasm
	+$(Q)$(MAKE) $(O)/tests/wasm/wasirun
	$(Q)tests/bench/wasm/run $(O)

# The small tools of wasm/modules, where there is a compiler for them.
WASI_CC ?= clang --target=wasm32-wasi
WASM_MODULES := $(patsubst wasm/modules/%.c,$(O)/modules/%.wasm,$(wildcard wasm/modules/*.c))
$(O)/modules/%.wasm: wasm/modules/%.c wasm/modules/tool.h
	@mkdir -p $(@D)
	$(Q)$(WASI_CC) -O2 -Wall -Wextra -Werror -o $@ $<
.PHONY: wasm-modules
wasm-modules: $(if $(wildcard /usr/include/wasm32-wasi/stdio.h),$(WASM_MODULES))
