#!/bin/sh
# Makes what docker-compose.yml needs once: secrets/ (passwords, the signing secret, the mail server) and .env (the rest).
# What is there already is never changed.
#
#   sh scripts/make-secrets.sh            asks for the mail server and the sender
#   SMTP_URL=smtp://user:password@mail.example.com:587 MAIL_FROM='Acme <hello@example.com>' \
#     PUBLIC_URL=https://mail.example.com sh scripts/make-secrets.sh
#   sh scripts/make-secrets.sh --inbox    no mail server: the one of the `dev` profile keeps every email on this machine
#   … --into <directory>                  elsewhere than beside docker-compose.yml
set -eu

inbox_url=smtp://inbox:4602
directory=$(cd "$(dirname "$0")/.." && pwd)
wants_inbox=
while [ $# -gt 0 ]; do
  case $1 in
    --inbox) wants_inbox=yes ;;
    --into) directory=$2 && shift ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
  esac
  shift
done

say() { printf '%s\n' "$*"; }
refuse() { say "$*" >&2 && exit 1; }
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
# Asks whoever sits at the terminal; an answer of their own counts before the one we propose.
ask() { # <question> <proposal>
  [ -t 0 ] || { printf '%s' "$2" && return; }
  printf '%s' "$1${2:+ [$2]}: " >&2
  IFS= read -r answer
  printf '%s' "${answer:-$2}"
}
keep() { # <name> <content>
  file=$directory/secrets/$1
  [ ! -e "$file" ] || { say "kept    $file" && return; }
  printf '%s\n' "$2" >"$file"
  chmod 444 "$file"
  say "written $file"
}

# All questions come before the first file, so that an interrupted run leaves nothing half done.
smtp_url=${SMTP_URL:-}
mail_from=${MAIL_FROM:-}
public_url=${PUBLIC_URL:-http://127.0.0.1:4600}
if [ -n "$wants_inbox" ]; then
  smtp_url=$inbox_url
elif [ ! -e "$directory/secrets/smtp_url" ] && [ -z "$smtp_url" ]; then
  [ -t 0 ] || refuse "Say which mail server: SMTP_URL=smtp://user:password@mail.example.com:587 sh $0, or sh $0 --inbox"
  smtp_url=$(ask "Mail server, as smtp://user:password@host:587 (empty: an inbox on this machine)" "")
  smtp_url=${smtp_url:-$inbox_url}
fi
case $smtp_url in
  '' | smtp://* | smtps://*) ;;
  *) refuse "The mail server must be a URL such as smtp://user:password@mail.example.com:587 (special characters in the password percent-encoded)." ;;
esac
[ "$smtp_url" != "$inbox_url" ] || mail_from=${mail_from:-Dripline <hello@example.com>}
if [ ! -e "$directory/.env" ]; then
  [ -n "$mail_from" ] || mail_from=$(ask "Sender of all emails, as Name <address>" "")
  [ -n "$mail_from" ] || refuse "Say who sends: MAIL_FROM='Acme <hello@example.com>' sh $0"
  [ -n "${PUBLIC_URL:-}" ] || public_url=$(ask "Where people and their unsubscribe links reach the API" "$public_url")
fi

# The directory is closed to others; the files are readable, because the user inside the container is another one.
umask 022
mkdir -p "$directory/secrets"
chmod 700 "$directory/secrets"
# Hexadecimal: nothing in it has to be encoded in a URL.
if [ -e "$directory/secrets/postgres_password" ]; then
  password=$(cat "$directory/secrets/postgres_password")
else
  password=$(random)
fi
keep postgres_password "$password"
keep database_url "postgres://dripline:$password@postgres:5432/dripline"
keep dripline_secret "$(random)"
keep smtp_url "$smtp_url"

if [ -e "$directory/.env" ]; then
  say "kept    $directory/.env"
else
  {
    say "# Settings that are no secrets; docs/configuration.md lists all of them. Read by docker compose and by Dripline."
    say "MAIL_FROM=$mail_from"
    say "PUBLIC_URL=$public_url"
    if [ "$smtp_url" = "$inbox_url" ]; then
      say "# The mail server is the inbox on this machine: http://127.0.0.1:4601/"
      say "COMPOSE_PROFILES=dev"
    fi
  } >"$directory/.env"
  say "written $directory/.env"
fi
