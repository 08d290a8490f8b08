/* SPDX-License-Identifier: Apache-2.0 */
/* Names that would like to be markup. */
#include "report/markup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void assert_escaped(const char *text, const char *want)
{
	struct bytes out = {0};
	markup_text(&out, text, strlen(text));
	assert_string_equal(bytes_text(&out), want);
	bytes_free(&out);
}

static void test_signs_of_markup(void **unused)
{
	(void)unused;
	assert_escaped("poll_vram", "poll_vram");
	assert_escaped("</style><script>alert(1)</script>",
		       "&lt;/style&gt;&lt;script&gt;alert(1)&lt;/script&gt;");
	assert_escaped("\" onmouseover='x' a=\"", "&quot; onmouseover=&#39;x&#39; a=&quot;");
	assert_escaped("std::vector<a, b>&&", "std::vector&lt;a, b&gt;&amp;&amp;");
	assert_escaped("&lt;", "&amp;lt;");
	assert_escaped("--><!-- ]]> <?x?>", "--&gt;&lt;!-- ]]&gt; &lt;?x?&gt;");
}

static void test_other_scripts_stay(void **unused)
{
	(void)unused;
	assert_escaped("przeglądarka-日本語 … 🦀", "przeglądarka-日本語 … 🦀");
}

static void test_what_xml_may_not_have(void **unused)
{
	(void)unused;
	assert_escaped("a\xff\xfe z", "a\uFFFD\uFFFD z");
	assert_escaped("a\xc3", "a\uFFFD");		      /* cut in a character */
	assert_escaped("\xc0\xbc", "\uFFFD\uFFFD");	      /* < in two bytes */
	assert_escaped("\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"); /* half a surrogate pair */
	assert_escaped("a\033[2Jb\nc\td\x7f", "a\uFFFD[2Jb\uFFFDc\uFFFDd\uFFFD");
	assert_escaped("\xef\xbf\xbe\xef\xbf\xbf", "\uFFFD\uFFFD"); /* U+FFFE, U+FFFF */
}

static void test_a_nul_within_len(void **unused)
{
	(void)unused;
	struct bytes out = {0};
	markup_text(&out, "a\0b", 3);
	assert_string_equal(bytes_text(&out), "a\uFFFDb");
	bytes_free(&out);
}

static void test_arguments_are_escaped_and_the_format_is_not(void **unused)
{
	(void)unused;
	struct bytes out = {0};
	markup_put(&out, "<b title=\"%s\">%s</b> %u %%", "\"'>", "<i>", 42u);
	assert_string_equal(bytes_text(&out), "<b title=\"&quot;&#39;&gt;\">&lt;i&gt;</b> 42 %");
	bytes_free(&out);
}

static void assert_cut(const char *text, const char *want)
{
	struct bytes out = {0};
	markup_put(&out, "[%.4s]", text);
	assert_string_equal(bytes_text(&out), want);
	bytes_free(&out);
}

static void test_long_ones_are_cut_at_a_character(void **unused)
{
	(void)unused;
	assert_cut("abcd", "[abcd]");
	assert_cut("abcde", "[abcd…]");
	assert_cut("ab日本", "[ab…]");
	assert_cut("日日", "[日…]");
	assert_cut("<<<<<", "[&lt;&lt;&lt;&lt;…]");
}

static void test_without_memory(void **unused)
{
	(void)unused;
	struct bytes out = {.failed = true};
	markup_put(&out, "<b>%s</b>", "x");
	assert_false(bytes_ok(&out));
	assert_string_equal(bytes_text(&out), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signs_of_markup),
		cmocka_unit_test(test_other_scripts_stay),
		cmocka_unit_test(test_what_xml_may_not_have),
		cmocka_unit_test(test_a_nul_within_len),
		cmocka_unit_test(test_arguments_are_escaped_and_the_format_is_not),
		cmocka_unit_test(test_long_ones_are_cut_at_a_character),
		cmocka_unit_test(test_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
