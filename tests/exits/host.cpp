// Knows Troupe only through a plugin, which it loads, uses and, if told so,
// closes.
//
//   host PLUGIN kept|closed|again

#include <cstdio>
#include <string_view>

#include <dlfcn.h>

namespace {

int use(const char* path, bool close) {
  auto* plugin = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) {
    std::fprintf(stderr, "%s\n", ::dlerror());
    return 1;
  }
  for (auto* name : {"plugin_use", "plugin_use_briefly"}) {
    auto* f = reinterpret_cast<int (*)()>(::dlsym(plugin, name));
    if (f == nullptr || f() != 0)
      return 1;
  }
  return close ? ::dlclose(plugin) : 0;
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 3)
    return 2;
  const std::string_view way = argv[2];
  if (auto result = use(argv[1], way != "kept"); result != 0)
    return result;
  if (way == "again" && use(argv[1], true) != 0)
    return 1;
  std::puts("main ends");
}
