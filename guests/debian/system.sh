# system.sh DISK.  Runs in the new system's root: carries the plan out with dpkg, then sets the system up.

say() { echo "pyphyp-install: $*"; }
mark() { say "$* at $(cut -d" " -f1 /proc/uptime) s"; }
disk=$1
cd /var/cache/pyphyp || exit 1
read -r hostname <hostname
read -r password <password
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root

dpkg_() { dpkg --force-unsafe-io --force-confold "$@" </dev/null; }

files() {
    for name in "$@"; do echo "debs/$name.deb"; done
}

carry_out() {
    action=$1
    shift
    case $action in
    install) dpkg_ --force-depends --install $(files "$@") ;;
    unpack-base) dpkg_ --force-depends --unpack $(files "$@") ;;
    configure-base) dpkg_ --force-depends --force-configure-any --configure --pending ;;
    unpack) dpkg_ --unpack $(files "$@") ;;
    configure) dpkg_ --configure "$@" ;;
    configure-all) dpkg_ --configure --pending ;;
    esac
}

# Services are not to be started here.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d

# The initial file system is made once, at the end, with this machine's drivers.
mkdir -p /etc/initramfs-tools/conf.d
echo 'MODULES=list' >/etc/initramfs-tools/conf.d/pyphyp
echo 'update_initramfs=no' >/etc/initramfs-tools/update-initramfs.conf

total=$(wc -l <plan)
count=0
done=$(cat done 2>/dev/null || echo 0)
while read -r line; do
    count=$((count + 1))
    [ $count -le $done ] && continue
    say "step $count of $total"
    # Whether all its packages are configured, or wait for others, the plan's end will show.
    carry_out $line || [ "${line%% *}" = configure ] || exit 1
    sync
    echo $count >done
done <plan

say "Setting the system up"
rm -f /usr/sbin/policy-rc.d
echo "$hostname" >/etc/hostname
printf '127.0.0.1\tlocalhost\n127.0.1.1\t%s\n' "$hostname" >/etc/hosts
uuid=$(blkid -s UUID -o value ${disk}2)
echo "UUID=$uuid / ext4 errors=remount-ro 0 1" >/etc/fstab
mkdir -p /etc/systemd/network
printf '[Match]\nType=ether\n\n[Network]\nDHCP=yes\n' >/etc/systemd/network/80-dhcp.network
systemctl enable systemd-networkd >/dev/null 2>&1
if [ -x /usr/sbin/drmgr ]; then
    # Adapters that come and go are taken and given back, unless IBM's own daemon (ppc64-diag) does it.
    install -m 755 slots /usr/local/sbin/pyphyp-slots
    {
        echo '[Unit]'
        echo 'Description=Virtual adapters that the platform adds and removes'
        echo 'ConditionPathExists=/proc/powerpc/rtas/error_log'
        echo 'ConditionPathExists=!/usr/sbin/rtas_errd'
        echo '[Service]'
        echo 'ExecStart=/usr/local/sbin/pyphyp-slots'
        echo 'Restart=always'
        echo 'RestartSec=5'
        echo '[Install]'
        echo 'WantedBy=multi-user.target'
    } >/etc/systemd/system/pyphyp-slots.service
    systemctl enable pyphyp-slots >/dev/null 2>&1
fi
cp debian.sources /etc/apt/sources.list.d/debian.sources
if [ -n "$password" ]; then
    echo "root:$password" | chpasswd || exit 1
else
    passwd -d root >/dev/null || exit 1
fi

say "Making the initial file system"
echo 'update_initramfs=yes' >/etc/initramfs-tools/update-initramfs.conf
for module in ibmvscsi ibmveth ibmvfc sd_mod sr_mod ext4 crc32c_generic; do
    grep -qx $module /etc/initramfs-tools/modules || echo $module >>/etc/initramfs-tools/modules
done
for kernel in /lib/modules/*; do
    update-initramfs -c -k "${kernel##*/}" || exit 1
done

say "Installing the boot loader"
{
    echo 'GRUB_TIMEOUT=2'
    echo 'GRUB_DISTRIBUTOR=Debian'
    echo 'GRUB_CMDLINE_LINUX_DEFAULT=""'
    echo 'GRUB_CMDLINE_LINUX="console=hvc0"'
    echo 'GRUB_TERMINAL=console'
} >/etc/default/grub
mkdir -p /boot/grub
# Nobody makes this name here, and without it GRUB's menu would name the disk as it is called now.
mkdir -p /dev/disk/by-uuid
ln -sf ${disk}2 /dev/disk/by-uuid/$uuid
grub-install --no-nvram ${disk}1 || exit 1
update-grub || exit 1
rm -rf /var/cache/pyphyp
exit 0
