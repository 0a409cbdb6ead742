#include <troupe/messages/types/maybe.hpp>

namespace troupe::detail {

void throw_absent(error why) {
  if (why == errc::none)
    why
      = {errc::none, "the value is absent; ask has_value() before reading it"};
  throw bad_result(std::move(why));
}

} // namespace troupe::detail
