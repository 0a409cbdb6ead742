#include <apps/bench/trace/trace_file.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <system_error>

#include <apps/bench/trace/unpacker.hpp>

namespace troupe::bench {

namespace {

constexpr std::size_t piece_size = 1 << 16;

std::string described(char c) {
  auto code = static_cast<unsigned char>(c);
  char buffer[32];
  if (code > 0x20 && code < 0x7f)
    std::snprintf(buffer, sizeof(buffer), "'%c'", c);
  else
    std::snprintf(buffer, sizeof(buffer), "byte 0x%02x", unsigned{code});
  return buffer;
}

struct closing {
  void operator()(std::FILE* file) const noexcept {
    std::fclose(file);
  }
};

using file_handle = std::unique_ptr<std::FILE, closing>;

tl::unexpected<error> system_failure(int code) {
  return fail(errc::system_error, std::generic_category().message(code));
}

expected<key_trace> read(const std::string& path) {
  file_handle file{std::fopen(path.c_str(), "rbe")};
  if (file == nullptr)
    return system_failure(errno);
  trace_reader reader;
  std::unique_ptr<unpacker> packed;
  auto take = [&](std::string_view text) { return reader.feed(text); };
  std::array<char, piece_size> buffer;
  for (auto first = true;; first = false) {
    auto size = std::fread(buffer.data(), 1, buffer.size(), file.get());
    if (std::ferror(file.get()) != 0)
      return system_failure(errno);
    std::string_view piece{buffer.data(), size};
    if (first && unpacker::recognises(piece)) {
      auto made = unpacker::make();
      if (!made)
        return tl::unexpected<error>{made.error()};
      packed = std::move(*made);
    }
    auto ok = packed == nullptr ? take(piece) : packed->feed(piece, take);
    if (ok && size == 0 && packed != nullptr)
      ok = packed->finish(take);
    if (!ok)
      return tl::unexpected<error>{ok.error()};
    if (size == 0)
      return reader.finish();
  }
}

} // namespace

tl::unexpected<error> trace_reader::bad_line(const std::string& why) const {
  return fail(errc::invalid_argument,
              "line " + std::to_string(trace_.requests.size() + 1) + ": "
                + why);
}

expected<void> trace_reader::feed(std::string_view text) {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  for (auto c : text) {
    if (c == '\n') {
      if (auto ok = end_line(); !ok)
        return ok;
      continue;
    }
    if (c < '0' || c > '9')
      return bad_line("a key is a decimal number, but " + described(c)
                      + " is not a digit");
    auto digit = static_cast<std::uint64_t>(c - '0');
    if (key_ > (most - digit) / 10)
      return bad_line("a key must be below 2^64");
    key_ = 10 * key_ + digit;
    has_digits_ = true;
  }
  return {};
}

expected<void> trace_reader::end_line() {
  if (!has_digits_)
    return bad_line("the key is missing");
  if (trace_.requests.size() == most_requests)
    return bad_line("a trace may have at most " + std::to_string(most_requests)
                    + " requests");
  auto id = ids_.emplace(key_, static_cast<key_id>(ids_.size())).first->second;
  trace_.requests.push_back(id);
  key_ = 0;
  has_digits_ = false;
  return {};
}

expected<key_trace> trace_reader::finish() {
  if (has_digits_)
    if (auto ok = end_line(); !ok)
      return tl::unexpected<error>{ok.error()};
  if (trace_.requests.empty())
    return fail(errc::invalid_argument, "the trace has no requests");
  trace_.unique = ids_.size();
  return std::move(trace_);
}

expected<key_trace> read_trace(const std::string& path) {
  auto result = read(path);
  if (!result)
    return fail(result.error().code(), path + ": " + result.error().text());
  return result;
}

std::string trace_name(const std::string& path) {
  return std::filesystem::path{path}.stem().string();
}

} // namespace troupe::bench
