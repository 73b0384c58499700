#!/usr/bin/env bash
# Installs Debian's packages that the tests can use. As root only; otherwise it says what is missing, and what needs it is
# skipped with the reason.
set -u
packages=(libegl1 libgl1-mesa-dri ffmpeg gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav \
  postgresql mosquitto chromium)
command -v dpkg-query >/dev/null || exit 0
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "Not installed (needs root): ${missing[*]}. What needs them is skipped; to have all: sudo apt-get install ${missing[*]}"
  exit 0
fi
echo "Installing Debian packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && timeout 900 apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >/dev/null 2>&1 </dev/null \
  || echo "apt-get could not install ${missing[*]}; what needs them is skipped."
exit 0
