#include <troupe/actors/gate/detail/secret.hpp>

#include <stdexcept>
#include <vector>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace troupe::gate {

expected<secret> secret::derive(std::string_view password, const salt& with) {
  secret result;
  if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                        with.data(), static_cast<int>(with.size()), key_rounds,
                        EVP_sha256(), static_cast<int>(result.key_.size()),
                        result.key_.data())
      != 1)
    return fail(errc::system_error,
                "OpenSSL cannot derive a key from the console's password");
  return result;
}

secret::~secret() {
  OPENSSL_cleanse(key_.data(), key_.size());
}

digest secret::sign(std::string_view label,
                    std::span<const std::uint8_t> challenge,
                    std::span<const std::uint8_t> nonce) const {
  std::vector<std::uint8_t> text{label.begin(), label.end()};
  text.insert(text.end(), challenge.begin(), challenge.end());
  text.insert(text.end(), nonce.begin(), nonce.end());
  digest result{};
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
           text.data(), text.size(), result.data(), &size)
        == nullptr
      || size != result.size())
    throw std::runtime_error{"OpenSSL computes no HMAC-SHA-256"};
  return result;
}

bool equal(const digest& a, const digest& b) noexcept {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void fill_random(std::span<std::uint8_t> where) {
  if (RAND_bytes(where.data(), static_cast<int>(where.size())) != 1)
    throw std::runtime_error{"OpenSSL has no random numbers"};
}

} // namespace troupe::gate
