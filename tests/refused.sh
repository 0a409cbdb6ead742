#!/usr/bin/env bash
# What must not compile must say why in one sentence: compiles mistakes of users
# and looks at the errors.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/refused.sh INCLUDE_DIR COMPILER

Compiles one mistake after the other against the headers in INCLUDE_DIR. Each
must be refused with a single error, which holds the sentence that explains it,
and in fewer than 60 lines.
TEXT
}

if [[ ${1:-} == --help ]]; then
  usage
  exit 0
fi
if (($# != 2)); then
  usage >&2
  exit 2
fi
include=$1
compiler=$2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/head.hpp" <<'TEXT'
#include <troupe/actors/cache.hpp>
#include <troupe/messages/caf/inspect_codec.hpp>

#include <functional>
#include <memory>

struct profile {
  std::string name;
};
template <class Inspector>
auto inspect(Inspector& f, profile& x) {
  return f(x.name);
}
struct plain {
  std::string text;
};
TEXT
# Read once; each mistake then takes a fraction of it.
"$compiler" -std=c++20 -x c++-header "$work/head.hpp" -I "$include" \
  -o "$work/head.hpp.gch"

failures=0

# refused NAME SENTENCE: the source is on the standard input.
refused() {
  local name=$1 sentence=$2 errors
  { echo '#include "head.hpp"'; cat; } >"$work/mistake.cpp"
  local include_first=()
  if "$compiler" --version | grep -q clang; then
    include_first=(-include-pch "$work/head.hpp.gch")
    sed -i 1d "$work/mistake.cpp"
  fi
  if "$compiler" -std=c++20 -fsyntax-only "${include_first[@]}" \
       -I "$include" -I "$work" "$work/mistake.cpp" 2>"$work/errors"; then
    echo "FAILED: $name: it compiles" >&2
    failures=$((failures + 1))
    return
  fi
  errors=$(grep -c ' error: ' "$work/errors" || true)
  if ! grep -q -- "$sentence" "$work/errors" || ((errors != 1)) \
     || (($(wc -l <"$work/errors") >= 60)); then
    echo "FAILED: $name: $errors errors" >&2
    head -60 "$work/errors" >&2
    failures=$((failures + 1))
    return
  fi
  echo "ok: $name"
}

loader='a loader is called as'
updater='an update function is called as'
codec='no codec for this type'

refused "a loader of another type" "$loader" <<'TEXT'
auto f(troupe::cache<profile>& x) {
  return x.get_or_set("k", [] { return 7; });
}
TEXT
refused "a loader with another parameter" "$loader" <<'TEXT'
auto f(troupe::cache<profile>& x) {
  return x.get_or_set_async("k", [](int) { return profile{}; });
}
TEXT
refused "a loader that returns nothing" "$loader" <<'TEXT'
auto f(troupe::cache<profile>& x) {
  return x.get_or_set("k", [](troupe::load_context&) {});
}
TEXT
refused "an update function without the optional" "$updater" <<'TEXT'
auto f(troupe::cache<profile>& x) {
  return x.update("k", [](profile old) { return old; });
}
TEXT
refused "an update function that returns nothing" "$updater" <<'TEXT'
auto f(troupe::cache<profile>& x) {
  return x.update_async("k", [](std::optional<profile>) {});
}
TEXT
for member in plain 'std::vector<plain>' 'std::optional<plain>' \
              'std::variant<int, plain>' 'std::unique_ptr<int>' \
              'std::string_view' 'std::function<void()>' 'int*'; do
  refused "a member of type $member" "$codec" <<TEXT
struct bad {
  int x;
  $member y;
};
template <class Inspector>
auto inspect(Inspector& f, bad& x) {
  return f(x.x, x.y);
}
auto f(troupe::cache<bad>& x) {
  return x.get("k");
}
TEXT
done
refused "a value without a codec" "$codec" <<'TEXT'
auto f(troupe::cache<plain>& x) {
  return x.get("k");
}
TEXT

((failures == 0))
