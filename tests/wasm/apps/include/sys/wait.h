/* SPDX-License-Identifier: MIT */
/* Nothing to wait for. */
