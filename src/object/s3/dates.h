// The ways in which S3 writes moments.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/env/clock.h"

namespace nokv::object {

// "20130524T000000Z".
std::string amz_date(WallTime time);

// "2013-05-24T00:00:00.000Z", with or without a fraction.
std::optional<WallTime> parse_iso_date(std::string_view text);

// "Fri, 24 May 2013 00:00:00 GMT".
std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace nokv::object
