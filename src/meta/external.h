// Objects of others whose bytes are bodies here: what one may be called.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/record.h"

namespace nokv::meta {

constexpr size_t kEtagMax = 128;

// "s3://BUCKET" and nothing behind it. Errors: invalid_argument.
Result<> check_external_store(std::string_view store);

// Whether store, key and ETag can be those of an object; whether it is there is another question.
// Errors: invalid_argument.
Result<> check_external(const codec::External& object);

// "s3://BUCKET/KEY"
std::string external_name(const codec::External& object);

}  // namespace nokv::meta
