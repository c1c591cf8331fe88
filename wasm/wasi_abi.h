/* SPDX-License-Identifier: MIT */
/* The numbers of wasi_snapshot_preview1, as its definition has them. */
#ifndef BV_WASM_WASI_ABI_H
#define BV_WASM_WASI_ABI_H

#include <stdint.h>

enum bw_wasi_errno {
	BW_ESUCCESS = 0,
	BW_E2BIG = 1,
	BW_EACCES = 2,
	BW_EADDRINUSE = 3,
	BW_EADDRNOTAVAIL = 4,
	BW_EAGAIN = 6,
	BW_EALREADY = 7,
	BW_EBADF = 8,
	BW_EBADMSG = 9,
	BW_EBUSY = 10,
	BW_EDEADLK = 16,
	BW_EDQUOT = 19,
	BW_EEXIST = 20,
	BW_EFAULT = 21,
	BW_EFBIG = 22,
	BW_EILSEQ = 25,
	BW_EINTR = 27,
	BW_EINVAL = 28,
	BW_EIO = 29,
	BW_EISDIR = 31,
	BW_ELOOP = 32,
	BW_EMFILE = 33,
	BW_EMLINK = 34,
	BW_ENAMETOOLONG = 37,
	BW_ENFILE = 41,
	BW_ENODEV = 43,
	BW_ENOENT = 44,
	BW_ENOLCK = 46,
	BW_ENOMEM = 48,
	BW_ENOSPC = 51,
	BW_ENOSYS = 52,
	BW_ENOTDIR = 54,
	BW_ENOTEMPTY = 55,
	BW_ENOTSOCK = 57,
	BW_ENOTSUP = 58,
	BW_ENOTTY = 59,
	BW_ENXIO = 60,
	BW_EOVERFLOW = 61,
	BW_EPERM = 63,
	BW_EPIPE = 64,
	BW_ERANGE = 68,
	BW_EROFS = 69,
	BW_ESPIPE = 70,
	BW_ESTALE = 72,
	BW_ETIMEDOUT = 73,
	BW_ETXTBSY = 74,
	BW_EXDEV = 75,
	BW_ENOTCAPABLE = 76,
};

/* Rights of a descriptor. */
#define BW_R_FD_DATASYNC             (1ULL << 0)
#define BW_R_FD_READ                 (1ULL << 1)
#define BW_R_FD_SEEK                 (1ULL << 2)
#define BW_R_FD_FDSTAT_SET_FLAGS     (1ULL << 3)
#define BW_R_FD_SYNC                 (1ULL << 4)
#define BW_R_FD_TELL                 (1ULL << 5)
#define BW_R_FD_WRITE                (1ULL << 6)
#define BW_R_FD_ADVISE               (1ULL << 7)
#define BW_R_FD_ALLOCATE             (1ULL << 8)
#define BW_R_PATH_CREATE_DIRECTORY   (1ULL << 9)
#define BW_R_PATH_CREATE_FILE        (1ULL << 10)
#define BW_R_PATH_LINK_SOURCE        (1ULL << 11)
#define BW_R_PATH_LINK_TARGET        (1ULL << 12)
#define BW_R_PATH_OPEN               (1ULL << 13)
#define BW_R_FD_READDIR              (1ULL << 14)
#define BW_R_PATH_READLINK           (1ULL << 15)
#define BW_R_PATH_RENAME_SOURCE      (1ULL << 16)
#define BW_R_PATH_RENAME_TARGET      (1ULL << 17)
#define BW_R_PATH_FILESTAT_GET       (1ULL << 18)
#define BW_R_PATH_FILESTAT_SET_SIZE  (1ULL << 19)
#define BW_R_PATH_FILESTAT_SET_TIMES (1ULL << 20)
#define BW_R_FD_FILESTAT_GET         (1ULL << 21)
#define BW_R_FD_FILESTAT_SET_SIZE    (1ULL << 22)
#define BW_R_FD_FILESTAT_SET_TIMES   (1ULL << 23)
#define BW_R_PATH_SYMLINK            (1ULL << 24)
#define BW_R_PATH_REMOVE_DIRECTORY   (1ULL << 25)
#define BW_R_PATH_UNLINK_FILE        (1ULL << 26)
#define BW_R_POLL_FD_READWRITE       (1ULL << 27)

/* What a right may be held on, and what changes nothing. */
#define BW_R_FILE                                                              \
	(BW_R_FD_DATASYNC | BW_R_FD_READ | BW_R_FD_SEEK |                      \
	 BW_R_FD_FDSTAT_SET_FLAGS | BW_R_FD_SYNC | BW_R_FD_TELL |              \
	 BW_R_FD_WRITE | BW_R_FD_ADVISE | BW_R_FD_ALLOCATE |                   \
	 BW_R_FD_FILESTAT_GET | BW_R_FD_FILESTAT_SET_SIZE |                    \
	 BW_R_FD_FILESTAT_SET_TIMES | BW_R_POLL_FD_READWRITE)
#define BW_R_DIR                                                               \
	(BW_R_FD_FDSTAT_SET_FLAGS | BW_R_FD_SYNC | BW_R_FD_READDIR |           \
	 BW_R_PATH_CREATE_DIRECTORY | BW_R_PATH_CREATE_FILE |                  \
	 BW_R_PATH_LINK_SOURCE | BW_R_PATH_LINK_TARGET | BW_R_PATH_OPEN |      \
	 BW_R_PATH_READLINK | BW_R_PATH_RENAME_SOURCE |                        \
	 BW_R_PATH_RENAME_TARGET | BW_R_PATH_FILESTAT_GET |                    \
	 BW_R_PATH_FILESTAT_SET_SIZE | BW_R_PATH_FILESTAT_SET_TIMES |          \
	 BW_R_FD_FILESTAT_GET | BW_R_FD_FILESTAT_SET_TIMES |                   \
	 BW_R_PATH_SYMLINK | BW_R_PATH_REMOVE_DIRECTORY |                      \
	 BW_R_PATH_UNLINK_FILE)
#define BW_R_READING                                                           \
	(BW_R_FD_READ | BW_R_FD_SEEK | BW_R_FD_FDSTAT_SET_FLAGS |              \
	 BW_R_FD_TELL | BW_R_FD_ADVISE | BW_R_PATH_OPEN | BW_R_FD_READDIR |    \
	 BW_R_PATH_READLINK | BW_R_PATH_FILESTAT_GET | BW_R_FD_FILESTAT_GET |  \
	 BW_R_POLL_FD_READWRITE)

enum bw_filetype {
	BW_FT_UNKNOWN = 0,
	BW_FT_BLOCK = 1,
	BW_FT_CHAR = 2,
	BW_FT_DIR = 3,
	BW_FT_REG = 4,
	BW_FT_DGRAM = 5,
	BW_FT_SOCK = 6,
	BW_FT_LINK = 7,
};

#define BW_FDF_APPEND   1u
#define BW_FDF_DSYNC    2u
#define BW_FDF_NONBLOCK 4u
#define BW_FDF_RSYNC    8u
#define BW_FDF_SYNC     16u
#define BW_FDF_ALL      31u

#define BW_O_CREAT     1u
#define BW_O_DIRECTORY 2u
#define BW_O_EXCL      4u
#define BW_O_TRUNC     8u
#define BW_O_ALL       15u

#define BW_LOOKUP_FOLLOW 1u

#define BW_FST_ATIM     1u
#define BW_FST_ATIM_NOW 2u
#define BW_FST_MTIM     4u
#define BW_FST_MTIM_NOW 8u
#define BW_FST_ALL      15u

#define BW_CLOCKID_REALTIME  0u
#define BW_CLOCKID_MONOTONIC 1u
#define BW_CLOCKID_PROCESS   2u
#define BW_CLOCKID_THREAD    3u

#define BW_EVENT_CLOCK    0u
#define BW_EVENT_FD_READ  1u
#define BW_EVENT_FD_WRITE 2u
#define BW_SUB_ABSTIME    1u
#define BW_EVENT_HANGUP   1u

#define BW_FDSTAT_BYTES       24u
#define BW_FILESTAT_BYTES     64u
#define BW_PRESTAT_BYTES      8u
#define BW_DIRENT_BYTES       24u
#define BW_SUBSCRIPTION_BYTES 48u
#define BW_EVENT_BYTES        32u

#endif
