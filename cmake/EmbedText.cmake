# cmake -DOUTPUT=x.cpp -DFILES="a;b" -P EmbedText.cmake: text files as C++ string literals.
set(code "#include \"shaders/shaders.h\"\n\nnamespace drey::shaders {\nnamespace {\nstruct File { std::string_view name, text; };\n")
set(table "")
set(count 0)
foreach(path IN LISTS FILES)
  get_filename_component(name ${path} NAME)
  file(READ ${path} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  # Bytes, not a literal: a string literal has a length limit under -Wpedantic.
  string(APPEND code "constexpr char text_${count}[] = {${bytes}0};\n")
  string(APPEND table "  {\"${name}\", {text_${count}, sizeof text_${count} - 1}},\n")
  math(EXPR count "${count}+1")
endforeach()
if(count EQUAL 0)
  set(table "  {\"\", \"\"},\n")
endif()
string(APPEND code "constexpr File files[] = {\n${table}};\n}  // namespace\n
std::string_view text(std::string_view name) {
  for (const File& file : files)
    if (file.name == name) return file.text;
  return {};
}

std::vector<std::string_view> names() {
  std::vector<std::string_view> all;
  for (const File& file : files) all.push_back(file.name);
  return all;
}

}  // namespace drey::shaders\n")
file(WRITE ${OUTPUT} "${code}")
