#include <troupe/messages/caf/inspect_codec.hpp>

#include <bit>
#include <cstring>
#include <limits>

#include <caf/actor_system_config.hpp>

namespace troupe::detail {

namespace {

/// Bytes of stack that the nesting of a value may use. Threads have megabytes. More for
/// reading than for writing, so that every written value can be read.
constexpr std::size_t sink_stack = 128 * 1024;
constexpr std::size_t source_stack = 4 * sink_stack;

/// A vector<bool> has eight elements per byte; no other type has more.
constexpr std::size_t elements_per_byte = 8;

std::uint64_t read_word(const char* from, std::size_t size) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, from, size);
  if constexpr (std::endian::native == std::endian::big)
    word = __builtin_bswap64(word);
  return word;
}

/// The last steps of MurmurHash3 (Appleby, 2011): every bit of the input
/// changes about half of the output.
std::uint64_t mix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccd;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53;
  return x ^ (x >> 33);
}

std::uint32_t read_checksum(bytes_view in) noexcept {
  return static_cast<std::uint32_t>(
    read_word(in.data() + in.size() - checksum_size, checksum_size));
}

} // namespace

// -- both directions ---------------------------------------------------------------

std::uint32_t codec_walk::checksum(bytes_view payload) const noexcept {
  constexpr std::size_t word = sizeof(std::uint64_t);
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
  auto hash = structure_ ^ (payload.size() * odd);
  std::size_t i = 0;
  for (; i + word <= payload.size(); i += word)
    hash = std::rotl((hash ^ read_word(payload.data() + i, word)) * odd, 29);
  if (i < payload.size())
    hash = (hash ^ read_word(payload.data() + i, payload.size() - i)) * odd;
  return static_cast<std::uint32_t>(mix(hash));
}

bool codec_walk::too_deep(std::size_t limit) const noexcept {
  auto* here = static_cast<const char*>(__builtin_frame_address(0));
  auto used = here < stack_ ? stack_ - here : here - stack_;
  return static_cast<std::size_t>(used) > limit;
}

expected<void> seal(const codec_sink& sink, const caf::error& failure,
                    bytes& out) {
  if (failure)
    return fail(errc::encode_failed, caf::actor_system_config::render(failure));
  auto sum = sink.checksum(out);
  for (std::size_t i = 0; i < checksum_size; ++i)
    out.push_back(static_cast<char>(sum >> (8 * i)));
  return {};
}

expected<void> verify(const codec_source& source, const caf::error& failure,
                      bytes_view in) {
  auto payload = in.substr(0, in.size() - checksum_size);
  if (failure || source.remaining() != 0
      || source.checksum(payload) != read_checksum(in))
    return fail(errc::decode_failed,
                std::to_string(in.size())
                  + " bytes are damaged or a value of another type");
  return {};
}

// -- writing -----------------------------------------------------------------------

caf::error codec_sink::begin_object(std::uint16_t& number, std::string& name) {
  met(object_kind);
  return out_.begin_object(number, name);
}

caf::error codec_sink::end_object() {
  return caf::none;
}

caf::error codec_sink::begin_sequence(std::size_t& size) {
  if (size > std::numeric_limits<std::uint32_t>::max())
    return caf::make_error(caf::sec::invalid_argument, "sequence too long");
  if (too_deep(sink_stack))
    return caf::make_error(caf::sec::invalid_argument, "nested too deeply");
  met(sequence_kind);
  return out_.begin_sequence(size);
}

caf::error codec_sink::end_sequence() {
  return caf::none;
}

caf::error codec_sink::apply_raw(std::size_t size, void* data) {
  met(raw_kind);
  return out_.apply_raw(size, data);
}

template <class T>
caf::error codec_sink::number(T& x) {
  met_number<T>();
  return out_.apply(x);
}

template <class String>
caf::error codec_sink::text(String& x) {
  if (x.size() > std::numeric_limits<std::uint32_t>::max())
    return caf::make_error(caf::sec::invalid_argument, "text too long");
  met(text_kind + sizeof(typename String::value_type));
  return out_.apply(x);
}

caf::error codec_sink::apply_impl(std::int8_t& x) {
  return number(x);
}

caf::error codec_sink::apply_impl(std::uint8_t& x) {
  return number(x);
}

caf::error codec_sink::apply_impl(std::int16_t& x) {
  return number(x);
}

caf::error codec_sink::apply_impl(std::uint16_t& x) {
  return number(x);
}

caf::error codec_sink::apply_impl(std::int32_t& x) {
  return number(x);
}

caf::error codec_sink::apply_impl(std::uint32_t& x) {
  return number(x);
}

caf::error codec_sink::apply_impl(std::int64_t& x) {
  return number(x);
}

caf::error codec_sink::apply_impl(std::uint64_t& x) {
  return number(x);
}

caf::error codec_sink::apply_impl(float& x) {
  return number(x);
}

caf::error codec_sink::apply_impl(double& x) {
  return number(x);
}

caf::error codec_sink::apply_impl(long double& x) {
  return number(x);
}

caf::error codec_sink::apply_impl(std::string& x) {
  return text(x);
}

caf::error codec_sink::apply_impl(std::u16string& x) {
  return text(x);
}

caf::error codec_sink::apply_impl(std::u32string& x) {
  return text(x);
}

// -- reading -----------------------------------------------------------------------

caf::error codec_source::begin_object(std::uint16_t& number,
                                      std::string& name) {
  met(object_kind);
  if (auto failure = in_.apply(number); failure || number != 0)
    return failure;
  std::size_t size = 0;
  if (auto failure = length(size))
    return failure;
  name.resize(size);
  return in_.apply_raw(size, name.data());
}

caf::error codec_source::end_object() {
  return caf::none;
}

/// A length in CAF's variable-length format: seven bits per byte, lowest first.
caf::error codec_source::length(std::size_t& x) {
  std::uint64_t result = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    std::uint8_t byte = 0;
    if (auto failure = in_.apply(byte))
      return failure;
    result |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) != 0)
      continue;
    if (result > in_.remaining() * elements_per_byte)
      return caf::sec::end_of_stream;
    x = static_cast<std::size_t>(result);
    return caf::none;
  }
  return caf::sec::invalid_argument;
}

caf::error codec_source::begin_sequence(std::size_t& size) {
  if (too_deep(source_stack))
    return caf::sec::invalid_argument;
  met(sequence_kind);
  return length(size);
}

caf::error codec_source::end_sequence() {
  return caf::none;
}

caf::error codec_source::apply_raw(std::size_t size, void* data) {
  met(raw_kind);
  return in_.apply_raw(size, data);
}

template <class T>
caf::error codec_source::number(T& x) {
  met_number<T>();
  return in_.apply(x);
}

template <class Unit, class String>
caf::error codec_source::wide_text(String& x) {
  met(text_kind + sizeof(typename String::value_type));
  std::size_t size = 0;
  if (auto failure = length(size))
    return failure;
  x.clear();
  for (std::size_t i = 0; i < size; ++i) {
    Unit unit = 0;
    if (auto failure = in_.apply(unit))
      return failure;
    x.push_back(static_cast<typename String::value_type>(unit));
  }
  return caf::none;
}

caf::error codec_source::apply_impl(std::int8_t& x) {
  return number(x);
}

caf::error codec_source::apply_impl(std::uint8_t& x) {
  return number(x);
}

caf::error codec_source::apply_impl(std::int16_t& x) {
  return number(x);
}

caf::error codec_source::apply_impl(std::uint16_t& x) {
  return number(x);
}

caf::error codec_source::apply_impl(std::int32_t& x) {
  return number(x);
}

caf::error codec_source::apply_impl(std::uint32_t& x) {
  return number(x);
}

caf::error codec_source::apply_impl(std::int64_t& x) {
  return number(x);
}

caf::error codec_source::apply_impl(std::uint64_t& x) {
  return number(x);
}

caf::error codec_source::apply_impl(float& x) {
  return number(x);
}

caf::error codec_source::apply_impl(double& x) {
  return number(x);
}

caf::error codec_source::apply_impl(long double& x) {
  met_number<long double>();
  // CAF writes it as text.
  std::size_t size = 0;
  if (auto failure = length(size))
    return failure;
  std::string text(size, '\0');
  if (auto failure = in_.apply_raw(size, text.data()))
    return failure;
  char* end = nullptr;
  x = std::strtold(text.c_str(), &end);
  if (end != text.c_str() + size || size == 0)
    return caf::sec::invalid_argument;
  return caf::none;
}

caf::error codec_source::apply_impl(std::string& x) {
  met(text_kind + 1);
  std::size_t size = 0;
  if (auto failure = length(size))
    return failure;
  if (size > in_.remaining())
    return caf::sec::end_of_stream;
  x.resize(size);
  return size == 0 ? caf::none : in_.apply_raw(size, x.data());
}

caf::error codec_source::apply_impl(std::u16string& x) {
  return wide_text<std::uint16_t>(x);
}

caf::error codec_source::apply_impl(std::u32string& x) {
  return wide_text<std::uint32_t>(x);
}

} // namespace troupe::detail
