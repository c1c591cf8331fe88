# SPDX-License-Identifier: MIT
# The module a second time, for test_module: in the helper's place it runs what
# lies on a stage, where the test puts a guardian that misbehaves as asked.
# Nothing else differs, and nothing of it is installed.

MODULE_STAGE := $(abspath $(O))/tests/unit/stage
MODULE_TEST_OBJ := $(patsubst pam_bvisor/%.c,$(O)/tests/unit/module/%.o,$(MODULE_SRC))
MODULE_TEST_SO := $(O)/tests/unit/module/pam_bvisor.so
FAKE_GUARDIAN := $(O)/tests/unit/fake_guardian
MODULE_TEST_DEFS := -DBV_STAGE='"$(MODULE_STAGE)"' \
	-DBV_MODULE='"$(abspath $(MODULE_TEST_SO))"' \
	-DBV_FAKE='"$(abspath $(FAKE_GUARDIAN))"'

$(O)/tests/unit/module/%.o: pam_bvisor/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(BV_CPPFLAGS) -DBV_HELPER_PATH='"$(MODULE_STAGE)/bvisor-helper"' \
		$(BV_CFLAGS) -fPIC $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(MODULE_TEST_SO): $(MODULE_TEST_OBJ) pam_bvisor/pam_bvisor.map
	$(Q)$(CC) -shared $(BV_CFLAGS) $(BV_LDFLAGS) \
		-Wl,--version-script=pam_bvisor/pam_bvisor.map $(LDFLAGS) \
		-o $@ $(MODULE_TEST_OBJ) -lpam

$(FAKE_GUARDIAN): $(O)/tests/unit/fake_guardian.o $(call obj,$(WIRE_SRC))
	$(Q)$(CC) -pie $(BV_CFLAGS) $(BV_LDFLAGS) $(LDFLAGS) -o $@ $^

MODULE_TESTS := $(addprefix $(O)/tests/unit/,test_module test_module_args \
	test_module_session)
$(MODULE_TESTS): $(O)/tests/unit/module_stage.o
$(addsuffix .o,$(MODULE_TESTS)) \
$(addprefix $(O)/tests/unit/,module_stage.o fake_guardian.o): \
	BV_CPPFLAGS += $(MODULE_TEST_DEFS)
# -rdynamic: libpam's syslog is this program's own
$(MODULE_TESTS): private LDFLAGS += -rdynamic
$(MODULE_TESTS): | $(MODULE_TEST_SO) $(FAKE_GUARDIAN)

.PHONY: module-test-bin
module-test-bin: $(MODULE_TEST_SO) $(FAKE_GUARDIAN)
