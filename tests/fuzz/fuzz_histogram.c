/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Histograms: of values, which must come back out of a recording's line as they were; and of buckets that no values could
 * have made, as a hostile recording has them. Whatever is asked of either lies within its bounds and in order.
 */
#include "must.h"

#include "model/dictionary.h"
#include "model/fact_json.h"
#include "record/decode.h"

#include <math.h>

#define ELAPSED_NS 10000000000ull

static uint64_t word_at(const uint8_t *data, size_t size, size_t at)
{
	uint64_t word = 0;
	if (at < size)
		memcpy(&word, data + at, size - at < sizeof word ? size - at : sizeof word);
	return word;
}

/* in_order: of true values; what was made up may contradict itself. */
static void check_quantiles(const struct histogram *h, bool in_order)
{
	uint64_t last = 0;
	for (double q = 0.05; q < 1; q += 0.05) {
		uint64_t value = histogram_quantile_ns(h, q);
		must(h->n ? value >= h->min_ns && value <= h->max_ns : value == 0 || !in_order);
		must(!in_order || value >= last);
		last = value;
	}
}

static void check_arrivals(const struct histogram *h, uint64_t elapsed_ns)
{
	double last = 1;
	for (uint64_t x = 0; x < 1ull << 45; x = x * 3 + 1000) {
		double tail = histogram_arrival_tail(h, x, elapsed_ns);
		must(tail >= 0 && tail <= 1 && tail <= last + 1e-9);
		last = tail;
	}
	uint64_t p50 = histogram_arrival_quantile_ns(h, 0.5, elapsed_ns),
		 p99 = histogram_arrival_quantile_ns(h, 0.99, elapsed_ns);
	must(p50 <= p99 && p99 <= h->max_ns);
}

static void check_edges(uint64_t value_ns)
{
	unsigned b = histogram_bucket(value_ns);
	double value = (double)value_ns, slack = 2 + value * 1e-9;
	must(b < HISTOGRAM_BUCKETS);
	must(value >= histogram_lower_ns(b) - slack && value <= histogram_upper_ns(b) + slack);
}

/* Half of the values in each of two, which together are all. */
static void add_values(struct histogram *all, const uint8_t *data, size_t size)
{
	struct histogram parts[2] = {{{0}}};
	for (size_t at = 0; at + 4 < size && at < 400; at += 5) {
		uint64_t value = word_at(data, at + 4, at) << (data[at + 4] % 6),
			 times = 1 + data[at + 4] / 64;
		check_edges(value);
		histogram_add(all, value, times);
		histogram_add(&parts[at & 1], value, times);
	}
	histogram_merge(&parts[0], &parts[1]);
	must(!memcmp(&parts[0], all, sizeof *all));
}

static bool decode(struct decoder *d, const struct bytes *line, struct fact **f)
{
	struct diag diag = {0};
	int err = decoder_line(d, bytes_text(line), line->len, f, &diag);
	must(err == 1 || diag.text[0]);
	return err == 1;
}

static struct decoder *reader(struct dictionary *known)
{
	const struct fact loop = {.kind = FACT_LOOP,
				  .loop = {.id = 1,
					   .comm = "a",
					   .process = "a",
					   .runtime = "",
					   .wait_call = "",
					   .container = "",
					   .unit = ""}};
	must(known && !dictionary_take(known, &loop));
	struct decoder *d = decoder_new(known);
	must(d);
	return d;
}

static void read_written(struct decoder *d, const struct histogram *h)
{
	struct fact_counts counts = {.loop = 1, .elapsed_ns = ELAPSED_NS, .lag = *h};
	const struct fact f = {.kind = FACT_COUNTS, .counts = &counts};
	struct fact_json style = {0};
	struct bytes line = {0};
	struct fact *read;

	fact_json_line(&style, &f, &line);
	line.len -= line.data[line.len - 1] == '\n';
	must(decode(d, &line, &read) && read->kind == FACT_COUNTS);
	must(!memcmp(&read->counts->lag, h, sizeof *h));
	bytes_free(&line);
}

/* As if a recording had said so. */
static void read_hostile(struct decoder *d, const uint8_t *data, size_t size)
{
	struct bytes line = {0};
	struct fact *read;

	bytes_printf(&line,
		     "{\"type\":\"counts\",\"at_ns\":1,\"loop\":\"epoll:1\",\"lag\":{\"min_ns\":%llu,\"max_"
		     "ns\":%llu,\"buckets\":[",
		     (unsigned long long)word_at(data, size, 0) >> (size & 63),
		     (unsigned long long)word_at(data, size, 8) >> 1);
	for (size_t at = 16; at + 12 < size; at += 13)
		bytes_printf(&line, "%s[%u,%llu,%llu]", at > 16 ? "," : "", data[at],
			     (unsigned long long)word_at(data, at + 7, at + 1),
			     (unsigned long long)word_at(data, at + 13, at + 6));
	bytes_puts(&line, "]}}");
	if (decode(d, &line, &read) && read->kind == FACT_COUNTS) {
		check_quantiles(&read->counts->lag, false);
		check_arrivals(&read->counts->lag, 1 + word_at(data, size, 3));
	}
	bytes_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dictionary *known = dictionary_new();
	struct decoder *d = reader(known);
	struct histogram h = {{0}};

	add_values(&h, data, size);
	check_quantiles(&h, true);
	check_arrivals(&h, ELAPSED_NS);
	read_written(d, &h);
	read_hostile(d, data, size);
	decoder_free(d);
	dictionary_free(known);
	return 0;
}
