#pragma once

// A provider that can do what the contract demands (backends/provider.hpp), and nothing
// else: a map under a mutex, no parts, no ability. It shows that a region and its users
// need nothing that only memory has. It is made to be read, not to be fast.
//
// What the contract leaves open it does in another way than memory:
//   - A call with a completion is carried out later, by a thread of the provider; so
//     nothing is done yet when the call returns.
//   - The function of a `transform` is called outside of the mutex, and once more when
//     the entry has changed meanwhile.

#include <memory>

#include <troupe/backends/provider_factory.hpp>

namespace conformance {

/// Thread-safe.
class plain_factory final : public troupe::provider_factory {
public:
  /// Errors: `unsupported`, for limits and namespaces.
  [[nodiscard]] troupe::expected<std::shared_ptr<troupe::provider>>
  make(const troupe::provider_environment& with) const override;
};

} // namespace conformance
