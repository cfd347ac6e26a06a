#include "term/codec.h"

#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "c_src/term/bytes.h"
#include "error.h"

namespace drey::term {
namespace {

Term decoded(std::string_view text) {
  const auto bytes = hex(text);
  std::size_t used = 0;
  Term term = decode(bytes, &used);
  EXPECT_EQ(used, bytes.size());
  return term;
}

void expect_bad(std::string_view name, std::span<const std::uint8_t> bytes, const Limits& limits = {}) {
  try {
    decode(bytes, nullptr, nullptr, limits);
    FAIL() << name << " was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.reason(), "bad_term") << name;
    EXPECT_FALSE(error.message().empty());
  }
}

void expect_bad(std::string_view name, std::string_view text) { expect_bad(name, hex(text)); }

// term_to_binary/1 of OTP 25.2.3, without the leading 131.

TEST(Codec, Integers) {
  const auto golden =
      "6c0000000b 6100 61ff 6200000100 62ffffffff 62ffffff80 627fffffff 6280000000 6e040000000080 "
      "6e040101000080 6e0800ffffffffffffff7f 6e08010000000000000080 6a";
  const Term expected =
      list({0, 255, 256, -1, -128, std::int64_t{2147483647}, std::int64_t{-2147483648},
            std::int64_t{2147483648}, std::int64_t{-2147483649}, std::numeric_limits<std::int64_t>::max(),
            std::numeric_limits<std::int64_t>::min()});
  EXPECT_EQ(decoded(golden), expected);
  EXPECT_EQ(encode(expected).flatten(), hex(golden));
}

TEST(Codec, IntegersBeyond64BitsAreKeptAsBytes) {
  const auto golden =
      "6c00000003 6e08000000000000000080 6e08010100000000000080 6e0d0000000000000000000000000010 6a";
  const Term term = decoded(golden);
  for (const Term& element : term.as<List>()->elements) EXPECT_NE(element.as<Opaque>(), nullptr);
  EXPECT_EQ(encode(term).flatten(), hex(golden));
}

TEST(Codec, Floats) {
  const auto golden =
      "6c00000004 460000000000000000 463ff8000000000000 46ffe1ccf385ebc8a0 46400921fb54442d18 6a";
  const Term expected = list({0.0, 1.5, -1.0e308, 3.141592653589793});
  EXPECT_EQ(decoded(golden), expected);
  EXPECT_EQ(encode(expected).flatten(), hex(golden));
  // FLOAT_EXT, which old nodes send: 31 bytes of text.
  EXPECT_EQ(decoded("63 312e3530303030303030303030303030303030303030652b30300000000000"), Term(1.5));
}

TEST(Codec, ContainersAndText) {
  const auto golden =
      "6806 64 0002 6f6b 74 00000002 64 0001 61 6101 6d 00000001 62 6b 0003 010203 6a "
      "6c 00000001 64 0001 78 64 0001 79 4d 00000001 03 20 6b 0003 616263";
  const Term term = decoded(golden);
  const Tuple& parts = *term.as<Tuple>();
  EXPECT_TRUE(parts.elements[0].is_atom("ok"));
  EXPECT_EQ(*parts.elements[1].find("a"), Term(1));
  EXPECT_EQ(parts.elements[1].as<Map>()->pairs[1].second, list({1, 2, 3}));
  EXPECT_EQ(parts.elements[2], list({}));
  EXPECT_EQ(parts.elements[3], Term(List{{atom("x")}, std::make_shared<const Term>(atom("y"))}));
  EXPECT_NE(parts.elements[4].as<Opaque>(), nullptr);
  EXPECT_EQ(parts.elements[5], list({97, 98, 99}));
}

TEST(Codec, AtomsInEveryEncodingAreUtf8) {
  EXPECT_EQ(decoded("64 0001 e9"), atom("\xc3\xa9"));
  EXPECT_EQ(decoded("73 01 e9"), atom("\xc3\xa9"));
  EXPECT_EQ(decoded("76 0002 cea9"), atom("\xce\xa9"));
  EXPECT_EQ(decoded("77 02 cea9"), atom("\xce\xa9"));
  EXPECT_EQ(decoded("77 00"), atom(""));
  EXPECT_EQ(encode(atom("\xce\xa9")).flatten(), hex("77 02 cea9"));
  std::string long_name(255 * 2, '\0');
  for (std::size_t i = 0; i < long_name.size(); i += 2) {
    long_name[i] = '\xce';
    long_name[i + 1] = '\xa9';
  }
  EXPECT_EQ(decode(encode(atom(long_name)).flatten()), atom(long_name)) << "255 characters of two bytes";
  EXPECT_THROW(encode(atom(std::string(256, 'x'))), Error);
}

TEST(Codec, WhatDreyNeverLooksIntoIsEchoed) {
  const std::string_view kept[] = {
      "71 640006 65726c616e67 640003 616273 6101",                                      // fun erlang:abs/1
      "58 64000d 6e6f6e6f6465406e6f686f7374 00000009 00000000 00000000",                // pid
      "5a 0003 64000d 6e6f6e6f6465406e6f686f7374 00000000 00011968 67540002 919d2ca0",  // reference
      "59 64000d 6e6f6e6f6465406e6f686f7374 00000000 00000000",                         // port
      "78 7703 614062 0000000000000005 00000001",                                       // 64-bit port
      "67 7703 614062 00000009 00000000 01",                                            // old pid
      "66 7703 614062 00000009 01",                                                     // old port
      "65 7703 614062 00000009 01",                                                     // oldest reference
      "72 0002 7703 614062 01 00000001 00000002",                                       // old reference
      "70 00000038 01 00112233445566778899aabbccddeeff 00000000 00000001 770161 6100 6100 "
      "58 7703614062 00000009 00000000 00000001 6107",  // fun with one free variable
  };
  for (const auto text : kept) {
    const Term term = decoded(text);
    ASSERT_NE(term.as<Opaque>(), nullptr) << text;
    EXPECT_EQ(encode(term).flatten(), hex(text));
  }
}

TEST(Codec, ADistributionPayloadReadsAsTheCallItIs) {
  // [Res, gpu, run, [<<1,2,3>>]] as erpc sends it.
  const Term term = decoded(
      "6c00000004 5a0003770c6265403132372e302e302e316b00f98700017150f6e00001de00cb19 7703677075 770372756e "
      "6c00000001 6d00000003010203 6a 6a");
  const auto& elements = term.as<List>()->elements;
  ASSERT_EQ(elements.size(), 4u);
  EXPECT_NE(elements[0].as<Opaque>(), nullptr);
  EXPECT_TRUE(elements[1].is_atom("gpu"));
  EXPECT_EQ(elements[3], list({Binary(std::vector<std::uint8_t>{1, 2, 3})}));
  // [alias | Reference], the improper list of a gen call.
  const Term alias =
      decoded("6c00000001 7705616c696173 5a0003770c6265403132372e302e302e316b00f98700017150f6e00001de00cb19");
  EXPECT_TRUE(alias.as<List>()->elements[0].is_atom("alias"));
  EXPECT_NE(alias.as<List>()->tail, nullptr);
}

TEST(Codec, AListInATailContinuesTheList) {
  EXPECT_EQ(decoded("6c00000001 6101 6c00000001 6102 6b0001 03"), list({1, 2, 3}));
  EXPECT_EQ(decoded("6c00000000 6105"), Term(5)) << "no elements before a tail is the tail, as on a BEAM";
}

TEST(Codec, LargeBinariesAreViewsKeptAlive) {
  auto frame = std::make_shared<std::vector<std::uint8_t>>(hex("6d 00000100"));
  frame->resize(5 + 256, 7);
  const std::weak_ptr<std::vector<std::uint8_t>> watch = frame;
  Term term = decode(*frame, nullptr, frame);
  EXPECT_EQ(term.as<Binary>()->bytes().data(), frame->data() + 5);
  frame.reset();
  EXPECT_FALSE(watch.expired());
  term = Term();
  EXPECT_TRUE(watch.expired());
}

TEST(Codec, LargeBinariesAreEncodedByReference) {
  const Binary big(std::vector<std::uint8_t>(10000, 3));
  const Encoded encoded = encode(tuple({atom("draws"), big, 1}));
  ASSERT_EQ(encoded.pieces.size(), 3u);
  EXPECT_EQ(encoded.pieces[1].bytes().data(), big.bytes().data());
  EXPECT_EQ(encoded.flatten().size(), encoded.size);
  EXPECT_EQ(decode(encoded.flatten()), tuple({atom("draws"), big, 1}));
  for (const auto& piece : encode(big, 1).pieces) EXPECT_FALSE(piece.bytes().empty());
}

TEST(Codec, NonFiniteFloatsNeverLeave) {
  EXPECT_THROW(encode(Term(std::numeric_limits<double>::infinity())), Error);
  EXPECT_THROW(encode(list({std::numeric_limits<double>::quiet_NaN()})), Error);
}

TEST(Codec, RefusesWhatIsMalformed) {
  expect_bad("nothing", "");
  expect_bad("unknown tag", "42");
  expect_bad("atom-cache reference", "52 89");
  expect_bad("compressed", "50 00001000 789c");
  expect_bad("distribution header", "44 00");
  expect_bad("local term", "79 00000000 00000000");
  expect_bad("removed fun", "75 00000000");
  expect_bad("tuple short", "68 04 6101 6102");
  expect_bad("tuple of 255, short", "68 ff 6101 6102 6103");
  expect_bad("large tuple claims 4294967295", "69 ffffffff 6101");
  expect_bad("list of 2147483647", "6c 7fffffff 6101");
  expect_bad("list of 2147483647 then a bad tag", "6c 7fffffff 42");
  expect_bad("list without tail", "6c 00000001 6101");
  expect_bad("map of 2^31", "74 80000000 6101");
  expect_bad("map without its value", "74 00000001 6101");
  expect_bad("binary of 2147483647", "6d 7fffffff 010203");
  expect_bad("string of 65535", "6b ffff 0102");
  expect_bad("bit string with 0 last bits", "4d 00000001 00 ff");
  expect_bad("bit string with 9 last bits", "4d 00000001 09 ff");
  expect_bad("bit string of nothing", "4d 00000000 03");
  expect_bad("bignum of 2^31 bytes", "6f 80000000 00 01");
  expect_bad("bignum with sign 2", "6e 01 02 01");
  expect_bad("NaN", "46 7ff8000000000000");
  expect_bad("infinity", "46 7ff0000000000000");
  expect_bad("minus infinity", "46 fff0000000000000");
  expect_bad("float that is no number", "63 " + std::string(62, '7').replace(0, 4, "6e61"));
  expect_bad("atom of 65535", "64 ffff 61");
  expect_bad("atom not UTF-8", "77 02 ce28");
  expect_bad("atom with an overlong form", "77 02 c080");
  expect_bad("atom with a surrogate", "77 03 eda080");
  expect_bad("reference of 0 words", "5a 0000 770161 00000001");
  expect_bad("reference of 6 words",
             "5a 0006 770161 00000001 000000010000000200000003000000040000000500000006");
  expect_bad("reference of 65535 words", "5a ffff 770161 00000001 00000001");
  expect_bad("reference whose node is a number", "5a 0001 6101 00000001 00000001");
  expect_bad("pid short", "58 770161 00000001");
  expect_bad("pid whose node is a number", "58 6101 000000010000000100000001");
  expect_bad("port short", "78 770161 00000001");
  expect_bad("export with an arity that is an atom", "71 770161 770162 770163");
  expect_bad("fun of the wrong size",
             "70 00000039 01 00112233445566778899aabbccddeeff 00000000 00000001 770161 "
             "6100 6100 58 7703614062 00000009 00000000 00000001 6107");
  expect_bad("fun of 2^31 bytes", "70 80000000 01");
  expect_bad("fun of size 0", "70 00000000 01");
  std::string latin("64 0100 ");
  for (int i = 0; i < 256; ++i) latin += "61";
  expect_bad("atom of 256 characters", latin);
}

TEST(Codec, RefusesWhatIsTooDeepOrTooMuch) {
  for (const std::size_t depth : {std::size_t{1000000}, std::size_t{10000000}}) {
    std::vector<std::uint8_t> nested;
    for (std::size_t i = 0; i < depth; ++i) nested.insert(nested.end(), {104, 1});
    nested.push_back(106);
    expect_bad("a million tuples deep", nested);
    std::vector<std::uint8_t> lists;
    for (std::size_t i = 0; i < depth; ++i) lists.insert(lists.end(), {108, 0, 0, 0, 1});
    expect_bad("a million lists deep", lists);
  }
  std::vector<std::uint8_t> wide = {108, 0, 0, 0x10, 0};
  wide.insert(wide.end(), 0x1001, 106);
  EXPECT_NO_THROW(decode(wide));
  expect_bad("more elements than allowed", wide, {1 << 20, 256, 1000});
  expect_bad("more bytes than allowed", wide, {1000, 256, 1 << 20});
  // Just as deep as allowed.
  Term deep = 1;
  for (int i = 0; i < 255; ++i) deep = tuple({std::move(deep)});
  EXPECT_EQ(decode(encode(deep).flatten()), deep);
}

TEST(Codec, ChainsOfTailsCostNoMoreThanTheirElements) {
  // 250 lists, each the tail of the one before, and a long last one.
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < 250; ++i) bytes.insert(bytes.end(), {108, 0, 0, 0, 1, 97, 1});
  bytes.insert(bytes.end(), {108, 0, 1, 0, 0});
  bytes.insert(bytes.end(), 0x10000 + 1, 106);
  EXPECT_EQ(decode(bytes).as<List>()->elements.size(), 250u + 0x10000u);
}

/// A random term of bounded size.
Term random_term(std::mt19937_64& random, int depth) {
  const auto below = [&](std::uint64_t n) { return random() % n; };
  switch (below(depth > 0 ? 9 : 5)) {
    case 0:
      return static_cast<std::int64_t>(random()) >> below(64);
    case 1:
      return std::ldexp(static_cast<double>(random()), static_cast<int>(below(200)) - 100);
    case 2:
      return atom(std::string(below(20), 'q'));
    case 3:
      return Binary(std::vector<std::uint8_t>(below(300), 9));
    case 4:
      return Opaque{hex("58 7703614062 00000009 00000000 00000001")};
    case 5:
    case 6: {
      std::vector<Term> elements;
      for (std::uint64_t i = below(6); i > 0; --i) elements.push_back(random_term(random, depth - 1));
      return below(2) ? tuple(std::move(elements)) : list(std::move(elements));
    }
    case 7: {
      Map map;
      for (std::uint64_t i = below(5); i > 0; --i)
        map.pairs.emplace_back(random_term(random, depth - 1), random_term(random, depth - 1));
      return map;
    }
    default:
      return List{{random_term(random, depth - 1)}, std::make_shared<const Term>(atom("tail"))};
  }
}

TEST(Codec, EveryTermComesBack) {
  std::mt19937_64 random(20240611);
  for (int i = 0; i < 2000; ++i) {
    const Term term = random_term(random, 5);
    const auto bytes = encode(term, 100).flatten();
    std::size_t used = 0;
    ASSERT_EQ(decode(bytes, &used), term) << to_string(term);
    ASSERT_EQ(used, bytes.size());
  }
}

TEST(Codec, DamagedTermsAreRefusedOrReadWithinTheirBytes) {
  std::mt19937_64 random(77);
  int refused = 0;
  for (int i = 0; i < 20000; ++i) {
    auto bytes = encode(random_term(random, 4)).flatten();
    for (std::uint64_t k = 1 + random() % 3; k > 0; --k) {
      switch (random() % 3) {
        case 0:
          bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
          break;
        case 1:
          bytes.resize(1 + random() % bytes.size());
          break;
        default:
          bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(random() % bytes.size()),
                       static_cast<std::uint8_t>(random()));
      }
    }
    // An exact copy on the heap, so that a sanitizer sees a read past the end.
    const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
    try {
      std::size_t used = 0;
      const Term term = decode(exact, &used);
      ASSERT_LE(used, exact.size());
      ASSERT_EQ(decode(encode(term).flatten()), term);
    } catch (const Error& error) {
      ASSERT_EQ(error.reason(), "bad_term");
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace drey::term
