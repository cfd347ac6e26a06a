#include "cnode/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace drey::cnode {

Digest digest(std::string_view cookie, std::uint32_t challenge) {
  const std::string input = fmt::format("{}{}", cookie, challenge);
  Digest result{};
  unsigned int length = 0;
  if (EVP_Digest(input.data(), input.size(), result.data(), &length, EVP_md5(), nullptr) != 1)
    throw Error("no_md5",
                "OpenSSL offers no MD5, without which no Erlang node can be met: is it in FIPS mode?");
  return result;
}

bool equal_in_constant_time(View a, View b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::uint32_t random_u32() {
  std::array<std::uint8_t, 4> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1)
    throw Error("no_randomness", "OpenSSL's random generator is not seeded");
  return Reader(bytes).u32();
}

}  // namespace drey::cnode
