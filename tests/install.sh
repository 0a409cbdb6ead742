#!/usr/bin/env bash
# Installs a build into a temporary prefix and uses it as an outside project
# does: find_package(Troupe), Troupe::troupe, #include <troupe/...>.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/install.sh SOURCE_DIR BUILD_DIR [COMPILER]

Installs BUILD_DIR (which must be built) into a temporary prefix, then builds
there, as an outside project:
  - one source that includes every installed header,
  - each apps/examples/*.cpp,
  - tests/outside/reads.cpp, by GCC and by Clang, each also with
    AddressSanitizer, with and without optimisation, NDEBUG and the assertions
    of the standard library: all against the one installation.
It runs the example `embed` and each `reads`, which must end with exit code 0,
and has both compilers compare the layouts of all types (layouts.py).
TEXT
}

if [[ ${1:-} == --help ]]; then
  usage
  exit 0
fi
if (($# < 2)); then
  usage >&2
  exit 2
fi
source_dir=$1
build_dir=$2
compiler=${3:-}

for needed in g++ clang++ python3; do
  command -v "$needed" >/dev/null || {
    echo "install: $needed is missing (cmake/setup.sh build test)" >&2
    exit 1
  }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
project=$work/project
mkdir -p "$project"

fail() {
  echo "install: $*" >&2
  exit 1
}

echo "== install"
cmake --install "$build_dir" --prefix "$prefix" >"$work/install.log" 2>&1 || {
  cat "$work/install.log"
  fail "cmake --install failed"
}

# The package must work anywhere, so it may not remember where it was built.
if grep -rnF -e "$source_dir/" -e "$build_dir/" "$prefix" --include='*.cmake'; then
  fail "the package mentions the tree it was built in"
fi
if [[ -n $(find "$prefix/include" -path '*/detail/*' -print -quit) ]]; then
  fail "private headers (detail/) were installed"
fi

echo "== an outside project"
{
  (cd "$prefix/include" && find troupe -name '*.hpp' | LC_ALL=C sort) |
    sed 's/.*/#include <&>/'
  echo 'int main() {}'
} >"$project/headers.cpp"
cat >"$project/CMakeLists.txt" <<'TEXT'
cmake_minimum_required(VERSION 3.25)
project(outside LANGUAGES CXX)
find_package(Troupe REQUIRED)
add_executable(headers headers.cpp)
target_link_libraries(headers Troupe::troupe)
file(GLOB examples "${CMAKE_CURRENT_SOURCE_DIR}/examples/*.cpp")
foreach(source IN LISTS examples)
  cmake_path(GET source STEM stem)
  add_executable(${stem} ${source})
  target_link_libraries(${stem} Troupe::troupe)
endforeach()
TEXT
mkdir "$project/examples"
find "$source_dir/apps/examples" -maxdepth 1 -name '*.cpp' \
  -exec cp {} "$project/examples/" \; 2>/dev/null || true

cp "$source_dir/tests/outside/"*.cpp "$project/examples/"

options=(-DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release)
generator=()
if [[ -n $compiler ]]; then
  options+=(-DCMAKE_CXX_COMPILER="$compiler")
fi
if command -v ninja >/dev/null; then
  generator=(-G Ninja)
fi
cmake -S "$project" -B "$work/build" "${options[@]}" "${generator[@]}"
cmake --build "$work/build"

"$work/build/headers"
if [[ -x $work/build/embed ]]; then
  echo "== embed"
  timeout 60 "$work/build/embed" </dev/null || fail "embed ended with $?"
fi

# reads NAME COMPILER FLAGS: an outside program whose flags are not the library's.
reads() {
  local name=$1
  echo "== reads, by $2 $3"
  cmake -S "$project" -B "$work/$name" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_CXX_COMPILER="$2" -DCMAKE_CXX_FLAGS="$3" "${generator[@]}" \
    >"$work/$name.log" 2>&1 &&
    cmake --build "$work/$name" --target reads >>"$work/$name.log" 2>&1 || {
    cat "$work/$name.log"
    fail "reads could not be built by $2 $3"
  }
  # What LeakSanitizer may find of CAF is in the project's own list.
  LSAN_OPTIONS="print_suppressions=0:suppressions=$source_dir/tests/lsan.supp" \
    timeout 300 "$work/$name/reads" </dev/null ||
    fail "reads, by $2 $3, ended with $?"
}

echo "== reads"
timeout 60 "$work/build/reads" </dev/null || fail "reads ended with $?"
reads gcc-asan g++ "-O1 -g -fsanitize=address"
reads gcc-checks g++ "-O0 -D_GLIBCXX_ASSERTIONS"
reads clang clang++ "-O2 -DNDEBUG"
reads clang-asan clang++ "-O0 -g -fsanitize=address -D_GLIBCXX_ASSERTIONS"

for each in g++ clang++; do
  echo "== layouts, by $each"
  python3 -B "$source_dir/tests/layouts.py" "$each" "$prefix/include" ||
    fail "the flags of a program change the layout of Troupe's types"
done
echo "== done"
