"""The initial file system of `pyphyp linux`: busybox, a short /init, and a shell.

/init is a shell script that stays as process 1 and only waits, so the signals by which busybox
`poweroff`, `reboot` and `halt` address process 1 act at once.  (busybox init would serve as well,
but sleeps two seconds on the way down.  Replacing the commands by scripts would not: the busybox
shell prefers its own.)  When the shell ends, by `exit` or Ctrl-D, the machine powers off: there is
nobody to log in again.

/etc/rc.local, if given, runs before the shell; one that ends in `poweroff` makes a batch job.

Packages (`guests/userland.py`) bring a shell of their own: busybox's would prefer busybox's bc to
an installed one.

The archive is left uncompressed: the kernel unpacks it in 13 million instructions, and in 88
million when it must inflate it first (gzip, Linux 6.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guests import cpio
from guests.layout import LINKS, placed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INIT = """\
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620 devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm

# busybox poweroff, halt and reboot send process 1 these.  A halted machine is of no use to anybody.
trap 'poweroff -f' USR1 USR2
trap 'reboot -f' TERM

if [ -f /etc/modules ]; then
    while read -r module; do insmod "$module"; done </etc/modules
fi

name=pyphyp
[ -r /proc/device-tree/ibm,partition-name ] && read -r name </proc/device-tree/ibm,partition-name
echo "$name" >/proc/sys/kernel/hostname

[ -x /usr/sbin/drmgr ] && /bin/sh /etc/slots </dev/null >/dev/null 2>&1 &
[ -f /etc/rc.local ] && /bin/sh /etc/rc.local

read -r release </proc/sys/kernel/osrelease
echo "Linux $release is up; poweroff or Ctrl-D ends the machine."
# The first setsid makes a process group leader, so the second forks: the session is neither waited
# for nor started with &, which would have it and all its children ignore Ctrl-C.
setsid setsid cttyhack /bin/sh /etc/session
while :; do
    sleep 2147483647 &
    wait $!
done
"""

# The session has the console as controlling terminal: Ctrl-C and job control work.
SESSION = """\
/bin/sh -l
poweroff -f
"""

# What a management console would ask for through its agent in the guest: with powerpc-utils there,
# adapters whose coming or going the platform announces are taken and given back.  Each read gives
# one event; of those about virtual slots the hot-plug section tells what to do, and with which.
# drmgr would take a disk away under its file system, so what is in use is not given back.
# An installed Debian has it as a service: so it keeps to what POSIX and coreutils have.
SLOTS = """\
#!/bin/sh
bus=/proc/device-tree/vdevice
in_use() {
    for node in $bus/*@*; do
        [ "$(od -A n -v -t x1 $node/ibm,my-drc-index | tr -d ' ')" = $index ] || continue
        for disk in /sys/bus/vio/devices/${node##*@}/host*/target*/*/block/*; do
            grep -q "^/dev/${disk##*/}[0-9]* " /proc/mounts /proc/swaps && return
            for holder in $disk/holders/* $disk/*/holders/*; do [ -e $holder ] && return; done
        done
    done
    return 1
}
while :; do
    event=$(dd if=/proc/powerpc/rtas/error_log bs=4096 count=1 | od -A n -v -t x1 | tr -d ' \\n')
    [ -n "$event" ] || exit
    wanted=${event#*485000100100000003}
    case $wanted in
    "$event") continue ;;
    010200*) action=-a ;;
    020200*) action=-r ;;
    *) continue ;;
    esac
    wanted=${wanted#??????}
    index=${wanted%"${wanted#????????}"}
    # Of both lists the first four bytes are a count; drmgr goes by name.
    line=$(od -A n -v -t x1 -w4 $bus/ibm,drc-indexes | tr -d ' ' | sed -n "/^$index$/=")
    name=$(tail -c +5 $bus/ibm,drc-names | tr '\\0' '\\n' | sed -n "$((line - 1))p")
    if [ $action = -r ] && in_use; then
        echo "<4>$name is in use and not given back" >/dev/kmsg
        continue
    fi
    drmgr -c slot $action -s "$name" || echo "<4>drmgr -c slot $action -s $name: $?" >/dev/kmsg
done
"""

PROFILE = """\
export HOME=/root USER=root LOGNAME=root SHELL=/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PS1='\\h:\\w\\$ '
cd
"""

# Of its two file systems in memory the kernel takes the one that may fill more than half of it.
# What busybox udhcpc does with a lease.
LEASE = """\
#!/bin/sh
case "$1" in
deconfig)
    ip link set "$interface" up
    ip -4 addr flush dev "$interface"
    ;;
bound | renew)
    ip -4 addr flush dev "$interface"
    ip addr add "$ip/${mask:-24}" dev "$interface"
    for gateway in $router; do ip route add default via "$gateway" dev "$interface"; break; done
    for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
    ;;
esac
"""

KERNEL_ARGUMENTS = "rootfstype=ramfs"
PAGE_BYTES = 64 << 10
KERNEL_BYTES = 192 << 20  # the kernel itself and what it must have to run the first programs
REAL_MODE_AREA = 512 << 20

# The applets' names stand in the binary as one sorted table, each ended by NUL.
FIRST_APPLETS = b"\0[\0[[\0"


def build_initramfs(
    busybox: bytes,
    *,
    packages: bytes = b"",
    modules: Sequence[tuple[str, bytes]] = (),
    extra: Mapping[str, bytes | cpio.Entry] | None = None,
    script: str | None = None,
) -> bytes:
    """The initial file system as an uncompressed cpio archive; equal arguments give equal bytes.

    `busybox` is a static busybox for the guest.  `packages` is an archive whose files replace
    ours.  `modules` are loaded in their order: path from the root and content.  `extra` adds
    entries, or replaces others, by path from the root (`bytes` is a plain
    file).  `script` is shell text to run before the shell.
    """
    base = _base_tree(busybox)
    added: dict[str, cpio.Entry] = {}
    for path, content in modules:
        added[placed(path)] = cpio.File(content)
    if modules:
        paths = "".join(f"/{path}\n" for path, _ in modules)
        added["etc/modules"] = cpio.File(paths.encode())
    for name, entry in (extra or {}).items():
        path = placed(name)
        if path not in LINKS:
            added[path] = cpio.File(entry) if isinstance(entry, bytes) else entry
    if script is not None:
        added["etc/rc.local"] = cpio.File(script.encode(), 0o755)
    if not packages:
        return cpio.archive(base | added)
    # The kernel unpacks archives that follow each other into one tree.
    return cpio.archive(base) + packages + cpio.archive(added)


def memory_needed(initramfs: bytes, *, direct: bool = False) -> int:
    """The least bytes of storage with which Debian's kernel gets to the shell of `initramfs`.

    The archive is in storage beside the files until they are unpacked, each in pages of its own.
    A client of firmware asks for a real mode area of 512 MiB (`direct`: it is none), and Linux
    starts badly when that is refused.
    """
    files = sum(-(-size // PAGE_BYTES) * PAGE_BYTES for size in cpio.file_sizes(initramfs))
    least = 0 if direct else REAL_MODE_AREA
    return max(least, len(initramfs) + files + KERNEL_BYTES)


def applets(busybox: bytes) -> tuple[str, ...]:
    """The names under which `busybox` can be called, read from the table inside it.

    A binary for another architecture cannot be asked, but the table is plain text everywhere.
    Raises `ValueError` when there is none.
    """
    start = busybox.find(FIRST_APPLETS) + 1
    end = busybox.find(b"\0\0", start)
    if start == 0 or end < 0:
        raise ValueError("no table of applets: this is not a busybox binary")
    return tuple(busybox[start:end].decode("ascii").split("\0"))


def _base_tree(busybox: bytes) -> dict[str, cpio.Entry]:
    tree: dict[str, cpio.Entry] = {
        f"usr/bin/{name}": cpio.Symlink("busybox") for name in applets(busybox)
    }
    tree |= LINKS
    tree |= {
        "usr/bin/busybox": cpio.File(busybox, 0o755),
        # Process 1 gets its standard streams before it can mount devtmpfs.
        "dev/console": cpio.CharacterDevice(5, 1),
        "dev/null": cpio.CharacterDevice(1, 3, 0o666),
        "etc/passwd": cpio.File(b"root:x:0:0:root:/root:/bin/sh\n"),
        "etc/group": cpio.File(b"root:x:0:\ntty:x:5:\n"),
        "etc/profile": cpio.File(PROFILE.encode()),
        "etc/session": cpio.File(SESSION.encode()),
        "etc/slots": cpio.File(SLOTS.encode(), 0o755),
        "etc/udhcpc/default.script": cpio.File(LEASE.encode(), 0o755),
        "init": cpio.File(INIT.encode(), 0o755),
        "root": cpio.Directory(0o700),
        "tmp": cpio.Directory(0o1777),
    }
    for mount_point in ("proc", "sys", "run", "mnt"):
        tree[mount_point] = cpio.Directory()
    return tree
