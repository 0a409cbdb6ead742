#include <troupe/messages/types/result.hpp>

namespace troupe::detail {

void throw_absent(error why) {
  if (why == errc::none)
    why = {errc::none, "the value is absent; ask has_value() before reading it"};
  throw bad_result(std::move(why));
}

const error& no_error() noexcept {
  static const error none;
  return none;
}

} // namespace troupe::detail
