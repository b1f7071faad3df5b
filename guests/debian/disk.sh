# Installs Debian onto SCSI target 0 from the archive on target 1.  Run again, it goes on where it
# was.  (Which of them is sda is left to chance: Linux looks for disks side by side.)

say() { echo "pyphyp-install: $*"; }
fail() {
    say "failed: $*"
    sync
    poweroff -f
}

disk_at() {
    for try in $(seq 100); do
        name=$(ls /sys/bus/scsi/devices/*:0:$1:0/block 2>/dev/null) && break
        sleep 0.1
    done
    echo /dev/$name
}
disk=$(disk_at 0) archive=$(disk_at 1)
target=/mnt work=/mnt/var/cache/pyphyp

# What is written is on the disk no later than what dpkg then notes of it: should this be cut off,
# no file is half there that dpkg takes for whole.
in_order="-t ext4 -o nodelalloc"

if ! mount $in_order ${disk}2 $target 2>/dev/null || [ ! -e $work/extracted ]; then
    umount $target 2>/dev/null
    say "Partitioning the disk"
    sfdisk -q --wipe always --wipe-partitions always $disk <<END || fail "the disk cannot be partitioned"
label: gpt
size=8MiB, type=9E1A2D38-C612-4316-AA26-8B49521E5A8B, name=prep
type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name=root
END
    mke2fs -q -F -t ext4 -L root ${disk}2 || fail "no file system can be made"
    mount $in_order ${disk}2 $target || fail "the file system cannot be mounted"
    say "Copying the base system"
    tar x -f $archive -C $target || fail "the archive cannot be unpacked: is the disk too small?"
    sync
    touch $work/extracted
fi

for name in dev proc sys; do
    mkdir -p $target/$name
    mount --bind /$name $target/$name
done
cp /install/* $work/
chroot $target /bin/sh /var/cache/pyphyp/system.sh $disk
status=$?
for name in sys proc dev; do umount $target/$name; done
umount $target
sync
[ $status = 0 ] && say finished || say "failed: the last step, with status $status"
poweroff -f
