#!/bin/sh
# Makes the namespaces that it runs in (mount, network, pid) a machine of their own and becomes its first program: when that
# ends, all of it ends, with every bridge, rule and mount. Nothing of the machine outside is changed.
# usage: machine.sh PACKAGES SCRATCH ADDRESS/BITS GATEWAY COMMAND...
#   PACKAGES  folder of unpacked packages, which are added to /usr
#   SCRATCH   folder for what is written below /var
set -eu
packages=$1 scratch=$2 address=$3 gateway=$4
shift 4

# Mounts that the kubelet makes for pods have to be seen by their containers.
mount --make-rshared /
mount -t overlay overlay -o "lowerdir=$packages/usr:/usr" /usr
for folder in lib log; do
  mkdir -p "$scratch/$folder"
  mount --bind "$scratch/$folder" "/var/$folder"
done
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/lock

# The kubelet wants the kernel to have these values, and would set them for everybody.
pretend() {
  printf '%s\n' "$2" >"$scratch/$(basename "$1")"
  mount --bind "$scratch/$(basename "$1")" "/proc/sys/$1"
}
pretend vm/overcommit_memory 1
pretend vm/panic_on_oom 0
pretend kernel/panic 10
pretend kernel/panic_on_oops 1
pretend kernel/keys/root_maxkeys 1000000
pretend kernel/keys/root_maxbytes 25000000

ip link set lo up
ip link add machine type bridge
ip address add "$address" dev machine
ip link set machine up
# Leads nowhere; a machine without a way out is refused by programs that look for their own address.
ip route add default via "$gateway" dev machine
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables

exec "$@"
