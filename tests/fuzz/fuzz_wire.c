/* SPDX-License-Identifier: MIT */
/* libFuzzer: any bytes as a packet of the module, the guardian or a shell that
 * tells of its commands. What decodes, encodes to the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/command.h"
#include "pam_bvisor/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The flags of a header are kept as they came, whoever understands them. */
static void same(const uint8_t *data, size_t size, const uint8_t *again,
		 size_t again_len)
{
	if (again_len != size || memcmp(data, again, size) != 0)
		abort();
}

static void command(const uint8_t *packet, size_t size)
{
	unsigned char again[BV_COMMAND_BYTES];
	struct bv_command c;
	uint64_t seq;

	if (bv_command_decode(packet, size, &c, &seq, NULL) != BV_OK)
		return;
	bv_command_encode(&c, seq, again);
	same(packet, size, again, sizeof(again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bvp_header head;
	struct bvp_request req;
	struct bvp_reply reply;
	uint16_t type;
	uint8_t *packet, *again;

	if (size > BVP_WIRE_MAX + 64)
		return 0;
	/* no byte more: a read past the end is seen */
	packet = calloc(1, size > 0 ? size : 1);
	again = malloc(BVP_WIRE_MAX);
	if (packet == NULL || again == NULL)
		abort();
	if (size > 0)
		memcpy(packet, data, size);
	if (bvp_decode_header(packet, size, &head) == 0) {
		if (head.body_len + sizeof(head) != size)
			abort();
		if (head.body_len == 0)
			same(packet, size, again,
			     bvp_encode_plain(head.type, head.flags, again,
					      BVP_WIRE_MAX));
	}
	if (bvp_decode_request(packet, size, &type, &req) == 0)
		same(packet, size, again,
		     bvp_encode_request(type, &req, again, BVP_WIRE_MAX));
	if (bvp_decode_reply(packet, size, &reply) == 0)
		same(packet, size, again,
		     bvp_encode_reply(&reply, again, BVP_WIRE_MAX));
	command(packet, size);
	free(again);
	free(packet);
	return 0;
}
