// Reading the few small XML documents with which S3 answers.
//
// Our own because that takes one screen: the documents have no attributes that matter, no entities
// of their own and three levels, while a library would be one more dependency that parses what a
// stranger sends.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nokv::object {

constexpr size_t kXmlDepthMax = 16;

// Calls `closed(path, text)` at the end of each element, in the order of the document: `path` is
// the names from the root down ("Error/Code"), without namespace prefixes; `text` what stands
// directly in it, decoded, without the white space around it when it has child elements.
// Attributes, comments and processing instructions are passed over; bytes are not checked to be
// UTF-8. Errors: data_loss when the document is malformed, ends early, is deeper than
// kXmlDepthMax, or declares a document type.
Result<> read_xml(
    std::string_view document,
    const std::function<void(std::string_view path, const std::string& text)>& closed);

// `text` with &, <, >, quotes and control characters as references.
std::string xml_escape(std::string_view text);

}  // namespace nokv::object
