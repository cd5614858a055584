#!/bin/sh
# Makes what compose.yaml starts with, once: secrets, a certificate for trying, and settings to be edited.
#   prepare.sh aws.example.com      the name by which people will find the bridge
# As root, for each secret belongs to the one container user that reads it. What is there already is left as it is.
set -eu
name=${1:?"prepare.sh NAME: the name by which people will find the bridge, for example aws.example.com"}
here=$(dirname "$0")
case $name in
*[!A-Za-z0-9.-]*) echo "prepare.sh: $name is not the name of a machine" >&2 && exit 2 ;;
esac
if [ "$(id -u)" != 0 ]; then
  echo "prepare.sh: run it as root (sudo), or with rootless podman as: podman unshare $0 $name" >&2
  exit 1
fi
umask 077
mkdir -p "$here/secrets" "$here/settings"
chmod 755 "$here/settings"

# Each container has a user of its own, and reads no secret of another.
bridge=65532 postgresql=999 nginx=101
keep() { # keep FILE USER: takes the text from stdin, whole or not at all
  [ ! -e "$here/secrets/$1" ] || return 0
  cat > "$here/secrets/$1.new"
  chown "$2:$2" "$here/secrets/$1.new"
  chmod 400 "$here/secrets/$1.new"
  mv "$here/secrets/$1.new" "$here/secrets/$1"
}
openssl rand -base64 32 | keep sealing-key $bridge
openssl rand -hex 32 | keep superuser-password $postgresql
for who in bridge owner; do
  openssl rand -hex 32 | keep "$who-password" $bridge
  keep "database-$who-password" $postgresql < "$here/secrets/$who-password"
done

# A certificate that no browser believes, to see all work. Replace both files by those of your authority.
if [ ! -e "$here/secrets/tls-key" ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj "/CN=$name" \
    -addext "subjectAltName=DNS:$name" -keyout "$here/secrets/key.new" -out "$here/secrets/certificate.new" 2>/dev/null
  keep tls-certificate $nginx < "$here/secrets/certificate.new"
  keep tls-key $nginx < "$here/secrets/key.new"
  rm "$here/secrets/key.new" "$here/secrets/certificate.new"
fi

for file in federation-bridge.yaml accounts.yaml rules.yaml; do
  [ -e "$here/settings/$file" ] && continue
  sed "s/aws\.example\.com/$name/" "$here/example/$file" > "$here/settings/$file"
  chmod 644 "$here/settings/$file"
done
echo "Now edit the three files in $here/settings, then start all: docker compose --file $here/compose.yaml up --detach"
