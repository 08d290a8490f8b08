/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * From a descriptor to what is behind it: kind, identity, path or peer. Read in the kernel at the time of the block, because a
 * descriptor may be closed and its number reused before user space could look.
 */
#ifndef LOOPSTALL_BPF_FILES_H
#define LOOPSTALL_BPF_FILES_H

#include "current.h"

#define PATH_COMPONENTS 12
#define PATH_NAME_BYTES 64 /* a longer name is cut */

static __always_inline struct file *file_of(struct task_struct *task, __u32 fd)
{
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	if (fd >= BPF_CORE_READ(fdt, max_fds))
		return NULL;
	struct file **slots = BPF_CORE_READ(fdt, fd), *file = NULL;
	bpf_probe_read_kernel(&file, sizeof file, &slots[fd]);
	return file;
}

/*
 * As file_of() for the thread that runs now: where the kernel has typed pointers most of the way is plain loads, and all of it where
 * any address can become one.
 */
static __always_inline struct file *file_of_current(struct task_struct *current, __u32 fd)
{
	struct file *file = NULL;

	if (!cfg.has_task_regs)
		return file_of(current, fd);
	struct files_struct *files = current->files;
	if (!files)
		return NULL;
	struct fdtable *fdt = files->fdt;
	if (fd >= fdt->max_fds)
		return NULL;
	if (cfg.has_cast)
		return (void *)LOADABLE(&fdt->fd[fd], struct list_head)->next;
	bpf_probe_read_kernel(&file, sizeof file, &fdt->fd[fd]);
	return file;
}

/* struct eventpoll if it is one, as an identity only. */
static __always_inline __u64 file_object(struct file *file)
{
	if (cfg.has_cast)
		return (__u64)LOADABLE(file, struct file)->private_data;
	return (__u64)BPF_CORE_READ(file, private_data);
}

/* struct eventpoll of an epoll descriptor, as an identity only; NULL for a descriptor that is closed. */
static __always_inline void *epoll_object(struct task_struct *task, __u32 fd)
{
	struct file *file = file_of(task, fd);
	return file ? BPF_CORE_READ(file, private_data) : NULL;
}

/* eventpoll_fops is not visible to us on every kernel, so its name decides: "[eventpoll]". */
static __always_inline bool file_is_epoll(struct file *file)
{
	char name[8] = {};
	bpf_probe_read_kernel(name, sizeof name, BPF_CORE_READ(file, f_path.dentry, d_name.name));
	return name[0] == '[' && name[1] == 'e' && name[2] == 'v' && name[3] == 'e' && name[4] == 'n' &&
	       name[5] == 't' && name[6] == 'p' && name[7] == 'o';
}

/*
 * Writes the names from the file upwards, each NUL-terminated, across mount points; user space turns them round. An empty name says
 * that the root was reached; without it the path is longer than fits, and its end, which tells more, is what is kept.
 */
static __always_inline void path_read(struct file *file, char *text)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct vfsmount *vfsmount = BPF_CORE_READ(file, f_path.mnt);
	struct mount *mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
	__u32 at = 0;

	for (int i = 0; i < PATH_COMPONENTS; i++) {
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
		if (dentry == parent || dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
			struct mount *above = BPF_CORE_READ(mount, mnt_parent);
			if (above == mount || dentry != BPF_CORE_READ(mount, mnt.mnt_root)) {
				if (at < LST_TARGET_BYTES)
					text[bounded(at, LST_TARGET_BYTES - 1)] = 0;
				return;
			}
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = above;
			continue;
		}
		if (at > LST_TARGET_BYTES - PATH_NAME_BYTES)
			return;
		const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
		long n = bpf_probe_read_kernel_str(text + bounded(at, LST_TARGET_BYTES - PATH_NAME_BYTES),
						   PATH_NAME_BYTES, name);
		if (n <= 0)
			return;
		at += n & (PATH_NAME_BYTES * 2 - 1);
		dentry = parent;
	}
}

static __always_inline void inet_describe(struct sock *sk, __u16 family, struct lst_inet *inet)
{
	inet->family = family;
	inet->protocol = BPF_CORE_READ(sk, sk_protocol);
	inet->port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	inet->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (family == AF_INET)
		BPF_CORE_READ_INTO((__u32 *)inet->address, sk, __sk_common.skc_daddr);
	else
		BPF_CORE_READ_INTO((struct in6_addr *)inet->address, sk, __sk_common.skc_v6_daddr);
}

/* A socket: its peer, as far as its family has one. Returns the kind and sets the identity. */
static __always_inline __u32 socket_describe(struct file *file, struct lst_block *b)
{
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	if (family == AF_UNIX) {
		struct unix_sock *unix_sk = (void *)sk;
		struct unix_sock *peer = (void *)BPF_CORE_READ(unix_sk, peer);
		struct unix_address *address = BPF_CORE_READ(peer, addr);
		if (!address)
			address = BPF_CORE_READ(unix_sk, addr);
		if (address)
			bpf_probe_read_kernel(b->target, 108,
					      (void *)address +
						      bpf_core_field_offset(struct unix_address, name) + 2);
		if (address && !b->target[0])
			b->target[0] = '@';
		return LST_TARGET_UNIX;
	}
	if (family != AF_INET && family != AF_INET6) {
		b->object = family;
		return LST_TARGET_SOCKET;
	}
	inet_describe(sk, family, (void *)b->target);
	return LST_TARGET_INET;
}

/* Fills kind, object and target of a block from the file it waits on. */
static __always_inline void file_describe(struct file *file, struct lst_block *b)
{
	__u16 type = BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT;

	b->object = BPF_CORE_READ(file, f_inode, i_ino);
	if (type == S_IFSOCK) {
		b->kind = socket_describe(file, b);
	} else if (type == 0) {
		b->kind = LST_TARGET_ANON;
		bpf_probe_read_kernel_str(b->target, PATH_NAME_BYTES,
					  BPF_CORE_READ(file, f_path.dentry, d_name.name));
	} else {
		b->kind = type == S_IFIFO ? LST_TARGET_PIPE : LST_TARGET_FILE;
		path_read(file, b->target); /* a FIFO has one, a pipe none */
	}
}

#endif
