// The files ~/.aws/credentials and ~/.aws/config. Private to object/s3.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/env/files.h"
#include "object/s3/credentials.h"

namespace nokv::object {

using Settings = std::map<std::string, std::string>;

// The settings of section `[profile]` or `[profile profile]` of an INI text; empty when there is
// no such section. Lines that are neither are passed over.
Settings read_profile(std::string_view text, std::string_view profile);

// The name of the profile that the environment chooses.
std::string profile_name(const Variables& variables);

// The profile's settings in both files; those of the credentials file win. Files that are missing
// count as empty. Errors: those of Files.
Result<Settings> load_profile(Files& files, const Variables& variables, const std::string& home);

}  // namespace nokv::object
