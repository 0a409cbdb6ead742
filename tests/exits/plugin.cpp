// A shared object with a static runtime and a static handle; see host.cpp.

#include <memory>
#include <optional>
#include <string>

#include <troupe/troupe.hpp>

namespace {

troupe::runtime run;
std::optional<troupe::cache<std::string>> texts;

} // namespace

extern "C" int plugin_use() {
  if (!texts)
    texts = run.open<std::string>("texts").value();
  return texts->set("k", "v") && texts->get("k").value() == "v" ? 0 : 1;
}

/// With a runtime that ends before the plugin does.
extern "C" int plugin_use_briefly() {
  auto brief = std::make_unique<troupe::runtime>();
  auto x = brief->open<std::string>("texts").value();
  return x.set("k", "v") && x.get("k").value() == "v" ? 0 : 1;
}
