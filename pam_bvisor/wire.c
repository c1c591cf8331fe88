/* SPDX-License-Identifier: MIT */
/*
 * Encode and decode, length first. A string is NUL-terminated in the packet
 * and bounded; a decoder that does not end exactly at the packet's end has
 * read something else than one message.
 */
#include "pam_bvisor/wire.h"

#include <endian.h>
#include <string.h>

#define INSN_BYTES 8u /* sizeof(struct sock_filter), linux/filter.h */
#define INSN_MAX   4096u

struct writer {
	unsigned char *buf;
	size_t len;
	size_t cap;
	int failed;
};

struct reader {
	const unsigned char *buf;
	size_t len;
	size_t at;
	int failed;
};

static void put_bytes(struct writer *w, const void *bytes, size_t len)
{
	if (w->failed || len > w->cap - w->len) {
		w->failed = 1;
		return;
	}
	if (len > 0)
		memcpy(w->buf + w->len, bytes, len);
	w->len += len;
}

static void put_u16(struct writer *w, uint16_t v)
{
	v = htole16(v);
	put_bytes(w, &v, sizeof(v));
}

static void put_u32(struct writer *w, uint32_t v)
{
	v = htole32(v);
	put_bytes(w, &v, sizeof(v));
}

static void put_str(struct writer *w, const char *s, size_t max)
{
	size_t len = s == NULL ? 0 : strnlen(s, max);

	if (len >= max) {
		w->failed = 1;
		return;
	}
	put_bytes(w, s, len);
	put_bytes(w, "", 1);
}

static void get_bytes(struct reader *r, void *to, size_t len)
{
	if (r->failed || len > r->len - r->at) {
		r->failed = 1;
		return;
	}
	memcpy(to, r->buf + r->at, len);
	r->at += len;
}

static uint16_t get_u16(struct reader *r)
{
	uint16_t v = 0;

	get_bytes(r, &v, sizeof(v));
	return le16toh(v);
}

static uint32_t get_u32(struct reader *r)
{
	uint32_t v = 0;

	get_bytes(r, &v, sizeof(v));
	return le32toh(v);
}

static const char *get_str(struct reader *r, size_t max)
{
	const unsigned char *start = r->buf + r->at;
	const unsigned char *end;

	if (r->failed)
		return "";
	end = memchr(start, '\0', r->len - r->at);
	if (end == NULL || (size_t)(end - start) >= max) {
		r->failed = 1;
		return "";
	}
	r->at += (size_t)(end - start) + 1;
	return (const char *)start;
}

static void put_header(struct writer *w, uint16_t type, uint32_t flags)
{
	put_u32(w, BVP_WIRE_MAGIC);
	put_u16(w, BVP_WIRE_VERSION);
	put_u16(w, type);
	put_u32(w, flags);
	put_u32(w, 0); /* body_len: known at the end */
}

static size_t finish(struct writer *w)
{
	const size_t head = sizeof(struct bvp_header);
	uint32_t body;

	if (w->failed || w->len > BVP_WIRE_MAX)
		return 0;
	body = htole32((uint32_t)(w->len - head));
	memcpy(w->buf + head - sizeof(body), &body, sizeof(body));
	return w->len;
}

size_t bvp_encode_request(uint16_t type, const struct bvp_request *req,
			  void *buf, size_t buf_len)
{
	struct writer w = { .buf = buf, .cap = buf_len };

	put_header(&w, type, req->flags);
	put_str(&w, req->user, BVP_STR_MAX);
	put_str(&w, req->service, BVP_STR_MAX);
	put_str(&w, req->tty, BVP_STR_MAX);
	put_str(&w, req->rhost, BVP_STR_MAX);
	put_str(&w, req->ruser, BVP_STR_MAX);
	return finish(&w);
}

size_t bvp_encode_reply(const struct bvp_reply *reply, void *buf,
			size_t buf_len)
{
	struct writer w = { .buf = buf, .cap = buf_len };

	if (reply->bpf_len > INSN_MAX)
		return 0;
	put_header(&w, BVP_MSG_VERDICT, reply->flags);
	put_u32(&w, reply->verdict);
	put_str(&w, reply->session, BVP_TEXT_MAX);
	put_str(&w, reply->plan, BVP_TEXT_MAX);
	put_str(&w, reply->log_text, BVP_TEXT_MAX);
	put_str(&w, reply->user_text, BVP_TEXT_MAX);
	put_str(&w, reply->trial, BVP_TEXT_MAX);
	put_u32(&w, reply->bpf_len);
	put_bytes(&w, reply->bpf, (size_t)reply->bpf_len * INSN_BYTES);
	return finish(&w);
}

size_t bvp_encode_plain(uint16_t type, uint32_t flags, void *buf,
			size_t buf_len)
{
	struct writer w = { .buf = buf, .cap = buf_len };

	put_header(&w, type, flags);
	return finish(&w);
}

static int read_header(struct reader *r, struct bvp_header *ret)
{
	struct bvp_header h;

	h.magic = get_u32(r);
	h.version = get_u16(r);
	h.type = get_u16(r);
	h.flags = get_u32(r);
	h.body_len = get_u32(r);
	if (r->failed || h.magic != BVP_WIRE_MAGIC ||
	    h.version != BVP_WIRE_VERSION || h.type < BVP_MSG_CHILD ||
	    h.type >= BVP_MSG_END || r->len > BVP_WIRE_MAX ||
	    h.body_len != r->len - r->at)
		return -1;
	*ret = h;
	return 0;
}

int bvp_decode_header(const void *buf, size_t len, struct bvp_header *ret)
{
	struct reader r = { .buf = buf, .len = len };

	return read_header(&r, ret);
}

int bvp_decode_request(const void *buf, size_t len, uint16_t *ret_type,
		       struct bvp_request *ret)
{
	struct reader r = { .buf = buf, .len = len };
	struct bvp_request req;
	struct bvp_header h;

	if (read_header(&r, &h) != 0 ||
	    (h.type != BVP_MSG_OPEN && h.type != BVP_MSG_ADMIT))
		return -1;
	req.flags = h.flags;
	req.user = get_str(&r, BVP_STR_MAX);
	req.service = get_str(&r, BVP_STR_MAX);
	req.tty = get_str(&r, BVP_STR_MAX);
	req.rhost = get_str(&r, BVP_STR_MAX);
	req.ruser = get_str(&r, BVP_STR_MAX);
	if (r.failed || r.at != r.len)
		return -1;
	*ret_type = h.type;
	*ret = req;
	return 0;
}

int bvp_decode_reply(const void *buf, size_t len, struct bvp_reply *ret)
{
	struct reader r = { .buf = buf, .len = len };
	struct bvp_reply reply;
	struct bvp_header h;

	if (read_header(&r, &h) != 0 || h.type != BVP_MSG_VERDICT)
		return -1;
	reply.flags = h.flags;
	reply.verdict = get_u32(&r);
	reply.session = get_str(&r, BVP_TEXT_MAX);
	reply.plan = get_str(&r, BVP_TEXT_MAX);
	reply.log_text = get_str(&r, BVP_TEXT_MAX);
	reply.user_text = get_str(&r, BVP_TEXT_MAX);
	reply.trial = get_str(&r, BVP_TEXT_MAX);
	reply.bpf_len = get_u32(&r);
	if (r.failed || reply.bpf_len > INSN_MAX ||
	    r.len - r.at != (size_t)reply.bpf_len * INSN_BYTES ||
	    reply.verdict < BVP_ADMITTED || reply.verdict > BVP_FAULT)
		return -1;
	reply.bpf = r.buf + r.at;
	*ret = reply;
	return 0;
}

int bvp_deadline_ms(uint32_t flags)
{
	const uint32_t s = flags >> BVP_DEADLINE_SHIFT;

	if (s == 0)
		return BVP_DEADLINE_MS;
	return 1000 * (int)(s < BVP_DEADLINE_MAX_S ? s : BVP_DEADLINE_MAX_S);
}
