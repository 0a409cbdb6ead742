// The engine itself: one shard's table with a limit of entries, of which the other
// contestants are simulations.

#include <apps/bench/trace/policy.hpp>

#include <memory>
#include <string>

#include <troupe/backends/core/epoch.hpp>
#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/table/table.hpp>

namespace troupe::bench {

namespace {

class engine final : public policy {
public:
  explicit engine(std::size_t capacity) : table_(options_for(capacity)) {
    // nop
  }

  bool access(key_id key) override {
    auto name = std::to_string(key);
    hashed_key k{name, hash_key(name)};
    {
      epoch_guard guard;
      if (table_.find(k) != nullptr)
        return true;
    }
    // What it stores is one entry of several, so that it always fits.
    static_cast<void>(table_.put(table_.locate(k), k, {}, {}));
    return false;
  }

  [[nodiscard]] std::size_t size() const noexcept override {
    return table_.size();
  }

private:
  static memory::table_options options_for(std::size_t capacity) {
    memory::table_options result;
    result.entries = std::make_shared<memory::budget>(capacity);
    return result;
  }

  memory::table table_;
};

} // namespace

std::unique_ptr<policy> make_engine(const key_trace&, std::size_t capacity) {
  return std::make_unique<engine>(capacity);
}

} // namespace troupe::bench
