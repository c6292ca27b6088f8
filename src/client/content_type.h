// What kind of content a file holds, as well as its name and first bytes tell.
#pragma once

#include <string_view>

namespace nokv::client {

// A media type: by the name's ending, else by what `head` (the first bytes, some hundreds suffice)
// looks like: "text/plain; charset=utf-8" or "application/octet-stream".
std::string_view content_type(std::string_view path, std::string_view head);

}  // namespace nokv::client
