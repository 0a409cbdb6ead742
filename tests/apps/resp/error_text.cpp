#include "apps/resp/error_text.hpp"

#include "catch.hpp"

using troupe::errc;
using troupe::error;
namespace error_text = troupe::resp::error_text;

TEST_CASE("errors of the runtime read as Redis clients expect",
          "[server][errors]") {
  CHECK(error_text::of(error{errc::key_too_large, "9 bytes"})
        == "ERR key is too large: 9 bytes");
  CHECK(error_text::of(error{errc::value_too_large})
        == "ERR value is too large");
  CHECK(error_text::of(error{errc::not_an_integer, "whatever"})
        == "ERR value is not an integer or out of range");
  CHECK(error_text::of(error{errc::integer_overflow})
        == "ERR increment or decrement would overflow");
  CHECK(error_text::of(error{errc::out_of_memory}).rfind("OOM ", 0) == 0);
  CHECK(error_text::of(error{errc::shutting_down})
        == "ERR server is shutting down");
  for (const auto code : {errc::timeout, errc::shard_down, errc::overloaded})
    CHECK(error_text::of(error{code, "why"}).rfind("TRYAGAIN ", 0) == 0);
}

TEST_CASE("no error breaks the protocol", "[server][errors]") {
  for (int i = 0; i <= static_cast<int>(errc::system_error); ++i) {
    const auto text = error_text::of(error{static_cast<errc>(i), "why"});
    CHECK(text.find_first_of("\r\n") == std::string::npos);
    CHECK(text.find(' ') != std::string::npos);
  }
}
