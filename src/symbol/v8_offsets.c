/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/v8_offsets.h"

#include "base/array.h"
#include "symbol/v8_space.h"

/* What versions share, to keep the rows to what tells them apart. */
#define COMPILED .code_stream = 32, .code_start = 40, .stream_code = 8
#define CODE_SHARED_WITH_DATA                                                                                \
	.code_data = 16, .code_positions = 24, .function_shared = 24, .shared_data = 8, .shared_name = 16,   \
	.shared_script = 32, .shared_token = 44, .bytecodes_positions = 32
#define TRUSTED                                                                                              \
	.code_data = 8, .code_positions = 16, .function_shared = 32, .shared_data = 8,                       \
	.bytecodes_positions = 24, .bytecodes_data = 64, .stream_start = 32
#define DEOPT_10 .deopt_shared = 6, .deopt_literals = 2, .deopt_inlined = 7

static const struct v8_offsets table[] = {
	{CODE_SHARED_WITH_DATA,
	 DEOPT_10,
	 .major = 10,
	 .minor = 2,
	 .shared_type = 257,
	 .bytecodes_type = 195,
	 .code_type = 240,
	 .stream_type = 240,
	 .script_type = 170,
	 .scope_type = 256,
	 .interpreter_data_type = 162,
	 .positions_type = 194,
	 .deopt_type = 179,
	 .scripts_type = 264,
	 .functions_type = 237,
	 .literals_type = 237,
	 .inlined_type = 194,
	 .bytecodes_data = 56,
	 .code_size = 40,
	 .stream_start = 128,
	 .function_scope = 2},
	{CODE_SHARED_WITH_DATA,
	 DEOPT_10,
	 COMPILED,
	 .major = 11,
	 .minor = 3,
	 .shared_type = 262,
	 .bytecodes_type = 191,
	 .code_type = 245,
	 .stream_type = 252,
	 .script_type = 167,
	 .scope_type = 261,
	 .interpreter_data_type = 159,
	 .positions_type = 190,
	 .deopt_type = 175,
	 .scripts_type = 274,
	 .functions_type = 240,
	 .literals_type = 240,
	 .inlined_type = 190,
	 .bytecodes_data = 54,
	 .code_size = 56,
	 .stream_start = 16,
	 .function_scope = 2},
	{TRUSTED,
	 DEOPT_10,
	 COMPILED,
	 .major = 12,
	 .minor = 4,
	 .shared_name = 16,
	 .shared_script = 32,
	 .shared_token = 44,
	 .shared_type = 274,
	 .bytecodes_type = 205,
	 .code_type = 206,
	 .stream_type = 210,
	 .script_type = 167,
	 .scope_type = 272,
	 .interpreter_data_type = 207,
	 .positions_type = 212,
	 .deopt_type = 213,
	 .scripts_type = 287,
	 .functions_type = 247,
	 .literals_type = 247,
	 .inlined_type = 186,
	 .code_size = 52,
	 .function_scope = 2},
	{TRUSTED,
	 COMPILED,
	 .major = 13,
	 .minor = 6,
	 .shared_name = 24,
	 .shared_script = 40,
	 .shared_token = 52,
	 .shared_type = 282,
	 .bytecodes_type = 186,
	 .code_type = 187,
	 .stream_type = 192,
	 .script_type = 167,
	 .scope_type = 280,
	 .interpreter_data_type = 188,
	 .positions_type = 196,
	 .deopt_type = 193,
	 .scripts_type = 295,
	 .functions_type = 256,
	 .literals_type = 199,
	 .inlined_type = 196,
	 .wrapper_type = 195,
	 .code_size = 56,
	 .deopt_shared = 7,
	 .deopt_literals = 3,
	 .deopt_inlined = 8,
	 .function_scope = 4,
	 .scope_begins_with_place = true},
};

const struct v8_offsets *v8_offsets_of(unsigned major, unsigned minor)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].major == major && table[i].minor == minor)
			return &table[i];
	return NULL;
}

/* --- what the binary says of itself */

/* The same in all versions. */
static const struct v8_published fixed[] = {
	{"v8dbg_SmiTagMask", 1},
	{"v8dbg_SmiShiftSize", V8_SMI_SHIFT - 1},
	{"v8dbg_HeapObjectTagMask", V8_TAG_MASK},
	{"v8dbg_IsNotStringMask", (uint16_t)-128},
	{"v8dbg_StringRepresentationMask", V8_STRING_SHAPE},
	{"v8dbg_StringEncodingMask", V8_STRING_ONE_BYTE},
	{"v8dbg_ConsStringTag", V8_STRING_CONS},
	{"v8dbg_ExternalStringTag", V8_STRING_EXTERNAL},
	{"v8dbg_SlicedStringTag", V8_STRING_SLICED},
	{"v8dbg_ThinStringTag", V8_STRING_THIN},
	{"v8dbg_class_String__length__int32_t", V8_STRING_LENGTH},
	{"v8dbg_class_SeqOneByteString__chars__char", V8_STRING_CHARS},
	{"v8dbg_class_ThinString__actual__String", V8_STRING_FIRST},
	{"v8dbg_class_ConsString__second__String", V8_STRING_SECOND},
	{"v8dbg_class_SlicedString__offset__SMI", V8_STRING_SECOND},
	{"v8dbg_class_Map__instance_type__uint16_t", V8_MAP_TYPE},
	{"v8dbg_class_FixedArray__data__uintptr_t", V8_ARRAY_DATA},
	{"v8dbg_class_Script__name__Object", V8_SCRIPT_NAME},
	{"v8dbg_class_Script__source__Object", V8_SCRIPT_SOURCE},
	{"v8dbg_off_fp_context_or_frame_type", (uint16_t)V8_FRAME_CONTEXT},
	{"v8dbg_off_fp_function", (uint16_t)V8_FRAME_FUNCTION},
	{"v8dbg_off_fp_bytecode_array", (uint16_t)V8_FRAME_BYTECODES},
	{"v8dbg_off_fp_bytecode_offset", (uint16_t)V8_FRAME_OFFSET},
};

/* By version; members of the row by their place in it. */
static const struct {
	const char *symbol;
	size_t member;
} of_row[] = {
#define AT(m) offsetof(struct v8_offsets, m)
	{"v8dbg_type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE", AT(shared_type)},
	{"v8dbg_type_BytecodeArray__BYTECODE_ARRAY_TYPE", AT(bytecodes_type)},
	{"v8dbg_type_Code__CODE_TYPE", AT(code_type)},
	{"v8dbg_type_InstructionStream__INSTRUCTION_STREAM_TYPE", AT(stream_type)},
	{"v8dbg_type_Script__SCRIPT_TYPE", AT(script_type)},
	{"v8dbg_type_WeakArrayList__WEAK_ARRAY_LIST_TYPE", AT(scripts_type)},
	{"v8dbg_type_WeakFixedArray__WEAK_FIXED_ARRAY_TYPE", AT(functions_type)},
	{"v8dbg_type_ScopeInfo__SCOPE_INFO_TYPE", AT(scope_type)},
	{"v8dbg_type_InterpreterData__INTERPRETER_DATA_TYPE", AT(interpreter_data_type)},
	{"v8dbg_class_JSFunction__shared__SharedFunctionInfo", AT(function_shared)},
	{"v8dbg_class_SharedFunctionInfo__function_data__Object", AT(shared_data)},
	{"v8dbg_class_SharedFunctionInfo__name_or_scope_info__Object", AT(shared_name)},
	{"v8dbg_class_SharedFunctionInfo__name_or_scope_info__Tagged_Object_", AT(shared_name)},
	{"v8dbg_class_SharedFunctionInfo__name_or_scope_info__Tagged_NameOrScopeInfoT_", AT(shared_name)},
	{"v8dbg_class_SharedFunctionInfo__script_or_debug_info__HeapObject", AT(shared_script)},
	{"v8dbg_class_SharedFunctionInfo__script__Tagged_HeapObject_", AT(shared_script)},
	{"v8dbg_class_SharedFunctionInfo__raw_function_token_offset__int16_t", AT(shared_token)},
	{"v8dbg_class_BytecodeArray__data__uintptr_t", AT(bytecodes_data)},
	{"v8dbg_class_InstructionStream__instruction_start__uintptr_t", AT(stream_start)},
#undef AT
};

_Static_assert(ARRAY_LEN(fixed) + ARRAY_LEN(of_row) <= V8_PUBLISHED_MAX, "all that is published has room");

size_t v8_offsets_published(const struct v8_offsets *o, struct v8_published published[V8_PUBLISHED_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		published[n++] = fixed[i];
	for (size_t i = 0; i < ARRAY_LEN(of_row); i++)
		published[n++] = (struct v8_published){
			of_row[i].symbol, *(const uint16_t *)((const char *)o + of_row[i].member)};
	return n;
}
