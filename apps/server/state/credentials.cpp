#include "apps/server/state/credentials.hpp"

#include <utility>

namespace troupe::server {

namespace {

// Looks at every byte of `given`, however early it differs.
bool same_secret(bytes_view given, const std::string& secret) noexcept {
  unsigned difference = given.size() == secret.size() ? 0U : 1U;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto other = secret[i % secret.size()];
    difference |= static_cast<unsigned char>(given[i])
                  ^ static_cast<unsigned char>(other);
    // Without this the compiler may stop at the first difference.
    asm volatile("" : "+r"(difference));
  }
  return difference == 0;
}

} // namespace

void credentials::password(std::string x) {
  std::lock_guard lock{mutex_};
  required_.store(!x.empty(), std::memory_order_relaxed);
  password_ = std::move(x);
}

std::string credentials::password() const {
  std::lock_guard lock{mutex_};
  return password_;
}

bool credentials::admits(bytes_view user, bytes_view password) const {
  std::lock_guard lock{mutex_};
  const auto right = password_.empty() || same_secret(password, password_);
  return user == "default" && right;
}

} // namespace troupe::server
