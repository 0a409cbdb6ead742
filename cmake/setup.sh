#!/usr/bin/env bash
# Installs the Debian packages that Troupe needs, and configures builds. apps/run
# and tests/run source it; run as a command, it installs the packages.
set -euo pipefail

troupe_setup_usage() {
  cat <<'TEXT'
usage: cmake/setup.sh [--check] [SECTION...]

Installs the missing packages of the sections in cmake/packages.txt (Debian).
Sections: build (the default), test, bench.

  --check   install nothing: list the missing packages

Without root it prints the command to run instead. Exit code: 0 when all packages
are installed, 3 when packages are missing and were not installed.

Environment: TROUPE_SETUP=check does the same as --check, TROUPE_SETUP=skip
checks and installs no packages.
TEXT
}

troupe_root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
troupe_packages_file=$troupe_root/cmake/packages.txt

# Prints "package<TAB>command<TAB>why" for each package of the given sections;
# the command is "-" where none was named.
troupe_packages() {
  awk -v wanted=" $* " '
    /^[[:space:]]*(#|$)/ { next }
    /^\[.*\]$/ { on = index(wanted, " " substr($0, 2, length($0) - 2) " "); next }
    on {
      why = $0
      sub(/^[^#]*#[[:space:]]*/, "", why)
      split($1, name, "?")
      printf "%s\t%s\t%s\n", name[1], name[2] == "" ? "-" : name[2], why
    }
  ' "$troupe_packages_file"
}

troupe_is_installed() {
  dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# Installs packages as root. Does not start the redis-server service: a user who
# runs the tests did not ask for a Redis on this machine.
troupe_apt_install() (
  export DEBIAN_FRONTEND=noninteractive
  policy=/usr/sbin/policy-rc.d
  brings_redis=no
  for package in "$@"; do
    [[ $package != redis-server ]] || brings_redis=yes
  done
  # An administrator's own policy is kept; ours lasts until this subshell ends.
  if [[ $brings_redis == yes && ! -e $policy && ! -L $policy ]]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    # shellcheck disable=SC2016 # the policy's own $1, not ours
    printf '%s\n' '#!/bin/sh' '# Temporary, by cmake/setup.sh of Troupe.' \
      'case "$1" in redis*) exit 101 ;; *) exit 0 ;; esac' >"$policy"
    chmod 755 "$policy"
  fi
  apt=(apt-get -o DPkg::Lock::Timeout=120 -y -q)
  "${apt[@]}" update || echo "setup: apt-get update failed; trying to install anyway"
  "${apt[@]}" install --no-install-recommends "$@" || exit 1
  if [[ $brings_redis == yes ]]; then
    # The service does not start at the next boot either.
    if update-rc.d redis-server disable >/dev/null 2>&1; then
      echo "setup: redis-server was installed for the tests; its service is" \
           "disabled (systemctl enable --now redis-server starts it)"
    fi
  fi
) </dev/null >&2

# troupe_setup SECTION...: installs the missing packages of these sections, or ends
# the calling script with exit code 3.
troupe_setup() {
  local mode=${TROUPE_SETUP:-install}
  if [[ $mode == skip ]]; then
    return 0
  fi
  if ! command -v dpkg-query >/dev/null; then
    echo "setup: this is not a Debian system, so packages are not checked." \
         "cmake/packages.txt lists the needed packages." >&2
    return 0
  fi
  local package command why
  local missing=()
  while IFS=$'\t' read -r package command why; do
    if ! troupe_is_installed "$package" && ! command -v "$command" >/dev/null; then
      if ((${#missing[@]} == 0)); then
        echo "setup: these packages are missing:" >&2
      fi
      printf '  %-18s %s\n' "$package" "$why" >&2
      missing+=("$package")
    fi
  done < <(troupe_packages "$@")
  if ((${#missing[@]} == 0)); then
    return 0
  fi
  if [[ $mode == install && $(id -u) == 0 ]]; then
    echo "setup: installing them" >&2
    if troupe_apt_install "${missing[@]}"; then
      return 0
    fi
    echo "setup: apt-get could not install them; see its messages above" >&2
  else
    echo "setup: install them with" >&2
    echo "  sudo apt-get update && sudo apt-get install --no-install-recommends" \
         "${missing[*]}" >&2
  fi
  exit 3
}

# How many compilers run at once: one for each core, but each needs 1.5 GiB of memory.
troupe_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1572864) }' /proc/meminfo)
  if ((memory < 1)); then
    memory=1
  fi
  echo "${TROUPE_JOBS:-$((cores < memory ? cores : memory))}"
}

# Whether build/PRESET was configured completely, and from this tree.
troupe_is_configured() {
  local build=$troupe_root/build/$1
  [[ -f $build/build.ninja ]] &&
    grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$troupe_root" "$build/CMakeCache.txt"
}

# troupe_configure PRESET [cmake arguments...]: prints its output only if it fails.
troupe_configure() {
  local preset=$1
  shift
  local build=$troupe_root/build/$preset
  mkdir -p "$build"
  # After a tree was moved or copied with its build, CMake refuses the cache.
  if [[ -f $build/CMakeCache.txt ]] && ! troupe_is_configured "$preset"; then
    set -- --fresh "$@"
  fi
  if ! (cd "$troupe_root" && cmake --preset "$preset" "$@") \
    >"$build/configure.log" 2>&1 </dev/null; then
    cat "$build/configure.log" >&2
    return 1
  fi
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  sections=()
  for argument in "$@"; do
    case $argument in
      --help | -h)
        troupe_setup_usage
        exit 0
        ;;
      --check) TROUPE_SETUP=check ;;
      build | test | bench) sections+=("$argument") ;;
      *)
        echo "setup: unknown argument '$argument' (see --help)" >&2
        exit 2
        ;;
    esac
  done
  if ((${#sections[@]} == 0)); then
    sections=(build)
  fi
  troupe_setup "${sections[@]}"
  echo "setup: all packages are installed for: ${sections[*]}" >&2
fi
