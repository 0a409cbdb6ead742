#pragma once

// The codec of types with an `inspect`, over CAF's serializers:
//
//   members as CAF's binary format writes them │ 4 bytes checksum
//
// The checksum covers the bytes and the structure, i.e. the kinds of members in their
// order. So damaged bytes, or bytes of another type, pass for a value in one of four
// billion cases only.
//
// Bytes may come from outside. This codec closes what CAF's own deserializer leaves
// open: a length is compared with the remaining bytes before memory is allocated
// (memory stays within a small multiple of the input), a length prefix has at most five
// bytes, and nesting cannot exhaust the stack.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <type_traits>

#include <caf/binary_deserializer.hpp>
#include <caf/deserializer.hpp>
#include <caf/detail/type_traits.hpp>
#include <caf/error.hpp>
#include <caf/sec.hpp>
#include <caf/serializer.hpp>
#include <caf/serializer_impl.hpp>

#include <troupe/messages/caf/inspect_members.hpp>
#include <troupe/messages/caf/inspect_std.hpp>
#include <troupe/messages/codec.hpp>

namespace troupe {

namespace detail {

/// The state of both directions: the structure met so far, and the stack used.
class codec_walk {
public:
  /// The checksum of `payload` with this structure.
  [[nodiscard]] std::uint32_t checksum(bytes_view payload) const noexcept;

protected:
  /// The kind of a member in the structure.
  enum kind : std::uint8_t {
    object_kind = 1,
    sequence_kind,
    raw_kind,
    number_kind, ///< Plus the size in bytes, and 16 for signed, 32 for floating.
    text_kind = 128,
  };

  template <class T>
  void met_number() noexcept {
    auto which = number_kind + sizeof(T) + (std::is_signed_v<T> ? 16u : 0u)
                 + (std::is_floating_point_v<T> ? 32u : 0u);
    met(static_cast<std::uint8_t>(which));
  }

  void met(std::uint8_t which) noexcept {
    structure_ = (structure_ ^ which) * 0x100000001b3;
  }

  /// Whether nesting has used more than `limit` bytes of the stack.
  [[nodiscard]] bool too_deep(std::size_t limit) const noexcept;

private:
  std::uint64_t structure_ = 0xcbf29ce484222325;
  const char* stack_ = static_cast<const char*>(__builtin_frame_address(0));
};

/// Appends to `out`.
class codec_sink final : public caf::serializer, public codec_walk {
public:
  explicit codec_sink(bytes& out) : out_(nullptr, out) {
    // nop
  }

  caf::error begin_object(std::uint16_t& number, std::string& name) override;
  caf::error end_object() override;
  caf::error begin_sequence(std::size_t& size) override;
  caf::error end_sequence() override;
  caf::error apply_raw(std::size_t size, void* data) override;

private:
  caf::error apply_impl(std::int8_t& x) override;
  caf::error apply_impl(std::uint8_t& x) override;
  caf::error apply_impl(std::int16_t& x) override;
  caf::error apply_impl(std::uint16_t& x) override;
  caf::error apply_impl(std::int32_t& x) override;
  caf::error apply_impl(std::uint32_t& x) override;
  caf::error apply_impl(std::int64_t& x) override;
  caf::error apply_impl(std::uint64_t& x) override;
  caf::error apply_impl(float& x) override;
  caf::error apply_impl(double& x) override;
  caf::error apply_impl(long double& x) override;
  caf::error apply_impl(std::string& x) override;
  caf::error apply_impl(std::u16string& x) override;
  caf::error apply_impl(std::u32string& x) override;

  template <class T>
  caf::error number(T& x);
  template <class String>
  caf::error text(String& x);

  caf::serializer_impl<bytes> out_;
};

/// Reads from a view, which must outlive it.
class codec_source final : public caf::deserializer, public codec_walk {
public:
  explicit codec_source(bytes_view in) : in_(nullptr, in.data(), in.size()) {
    // nop
  }

  [[nodiscard]] std::size_t remaining() const noexcept {
    return in_.remaining();
  }

  caf::error begin_object(std::uint16_t& number, std::string& name) override;
  caf::error end_object() override;
  caf::error begin_sequence(std::size_t& size) override;
  caf::error end_sequence() override;
  caf::error apply_raw(std::size_t size, void* data) override;

private:
  caf::error apply_impl(std::int8_t& x) override;
  caf::error apply_impl(std::uint8_t& x) override;
  caf::error apply_impl(std::int16_t& x) override;
  caf::error apply_impl(std::uint16_t& x) override;
  caf::error apply_impl(std::int32_t& x) override;
  caf::error apply_impl(std::uint32_t& x) override;
  caf::error apply_impl(std::int64_t& x) override;
  caf::error apply_impl(std::uint64_t& x) override;
  caf::error apply_impl(float& x) override;
  caf::error apply_impl(double& x) override;
  caf::error apply_impl(long double& x) override;
  caf::error apply_impl(std::string& x) override;
  caf::error apply_impl(std::u16string& x) override;
  caf::error apply_impl(std::u32string& x) override;

  caf::error length(std::size_t& x);

  template <class T>
  caf::error number(T& x);
  template <class Unit, class String>
  caf::error wide_text(String& x);

  caf::binary_deserializer in_;
};

/// Size of the checksum at the end, in bytes.
inline constexpr std::size_t checksum_size = 4;

/// Ends an encoding: appends the checksum, or returns the failure.
expected<void> seal(const codec_sink& sink, const caf::error& failure,
                    bytes& out);

/// Ends a decoding of `in`: checks that all bytes were used and that the checksum
/// matches.
expected<void> verify(const codec_source& source, const caf::error& failure,
                      bytes_view in);

} // namespace detail

/// Members may be numbers, enums, strings, durations and time points, types with an
/// `inspect`, and containers, std::array, std::pair, std::tuple, std::optional and
/// std::variant of these. They need default constructors. A sequence whose elements
/// take no bytes cannot be read back.
template <class V>
struct inspect_codec {
  static_assert(std::is_default_constructible_v<V>,
                "CAF's inspect fills a default-constructed value");

  static expected<void> encode(const V& x, bytes& out) {
    // A member refused here shall not make CAF print its own error, too.
    if constexpr (detail::member_check<V>::value) {
      return write(x, out);
    } else {
      detail::no_codec_for<typename detail::member_check<V>::unknown>();
      return {};
    }
  }

  static expected<V> decode(bytes_view in) {
    if constexpr (detail::member_check<V>::value) {
      return read(in);
    } else {
      detail::no_codec_for<typename detail::member_check<V>::unknown>();
      return fail(errc::decode_failed);
    }
  }

private:
  static expected<void> write(const V& x, bytes& out) {
    try {
      out.clear();
      detail::codec_sink sink{out};
      return detail::seal(sink, sink(x), out);
    } catch (const std::bad_alloc&) {
      return fail(errc::out_of_memory);
    } catch (const std::exception& failure) {
      return fail(errc::encode_failed, failure.what());
    }
  }

  static expected<V> read(bytes_view in) {
    if (in.size() < detail::checksum_size)
      return fail(errc::decode_failed,
                  std::to_string(in.size()) + " bytes are too few");
    try {
      V result{};
      detail::codec_source source{
        in.substr(0, in.size() - detail::checksum_size)};
      if (auto ok = detail::verify(source, source(result), in); !ok)
        return tl::unexpected{std::move(ok.error())};
      return result;
    } catch (const std::bad_alloc&) {
      return fail(errc::out_of_memory);
    } catch (const std::exception& failure) {
      return fail(errc::decode_failed, failure.what());
    }
  }
};

} // namespace troupe
