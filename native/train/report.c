/* report.c - the page: text, tables, score tables, saving. Figures are in report_figures.c.
 *
 * The trap: names and paths come from users, so every text is escaped, attributes included.
 */
#include "train/report_private.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char style[] =
    "body{font:16px/1.5 'Segoe UI','Noto Sans','Helvetica "
    "Neue',Arial,sans-serif;color:#1b1b1b;background:#fff;max-width:900px;margin:24px auto;padding:0 16px}"
    "h1{font-size:28px;line-height:1.2;margin:0 0 4px}h2{font-size:20px;margin:36px 0 8px;border-bottom:1px solid "
    "#bbb;padding-bottom:4px}"
    "p.made{color:#555;margin:0 0 16px;font-size:14px}p.note{border-left:4px solid "
    "#d55e00;background:#fdf3ec;padding:8px 12px}"
    "table{border-collapse:collapse;margin:16px "
    "0;font-size:14px}caption{text-align:left;font-size:14px;color:#333;padding:0 0 4px}"
    "th,td{padding:4px 10px;border-bottom:1px solid #ddd;text-align:right;vertical-align:top}th{border-bottom:2px "
    "solid #888}"
    "td{white-space:nowrap}th.t,td.t,td.f{text-align:left}td.t{white-space:normal}"
    "div.figure{margin:20px 0}"
    "p.caption{font-size:14px;color:#333;margin:0 0 4px}p.caption+p{margin:0}img{max-width:100%;height:auto}"
    "@media print{body{max-width:none;margin:0}div.figure,table{page-break-inside:avoid}}";

sal_status sal_report_new(sal_context *ctx, const char *title, sal_report **out)
{
    *out = NULL;
    sal_report *r = NULL;
    sal_status status = sal_allocate(ctx, 1, sizeof *r, &r);
    if (status != SAL_STATUS_OK) return status;
    r->ctx = ctx;
    status = sal_text_copy(ctx, title, &r->title);
    if (status != SAL_STATUS_OK) {
        sal_report_free(r);
        return status;
    }
    char now[24];
    sal_time_iso(now);
    sal__report_append(r, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    sal__report_escape(r, title);
    sal__report_append(r, "</title><style>%s</style></head>\n<body>\n<h1>", style);
    sal__report_escape(r, title);
    sal__report_append(r, "</h1>\n<p class=\"made\">Salina %s, %s</p>\n", sal_version(), now);
    *out = r;
    return SAL_STATUS_OK;
}

void sal_report_free(sal_report *r)
{
    if (!r) return;
    sal_text_free(r->ctx, &r->body);
    sal_release(r->ctx, r->title);
    sal_release(r->ctx, r);
}

sal_status sal_report_text(sal_report *r, char **out)
{
    *out = NULL;
    if (r->body.status != SAL_STATUS_OK) return r->body.status;
    return sal_text_format(r->ctx, out, "%s</body></html>\n", r->body.data);
}

static bool is_pdf(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && strcasecmp(path + n - 4, ".pdf") == 0;
}

sal_status sal_report_check(sal_context *ctx, const char *path)
{
    const sal_figures *qt;
    if (!is_pdf(path) || sal_figures_load(ctx, &qt) == SAL_STATUS_OK) return SAL_STATUS_OK;
    return sal_fail_prefix(ctx, SAL_STATUS_UNSUPPORTED, "a report as PDF is not possible, write it as .html: ");
}

static sal_status save_pdf(sal_context *ctx, const char *page, const char *path)
{
    char message[2048];
    const sal_figures *qt;
    sal_status status = sal_report_check(ctx, path);
    if (status != SAL_STATUS_OK) return status;
    status = sal_figures_load(ctx, &qt);
    if (status != SAL_STATUS_OK) return status;
    status = (sal_status)qt->sal_qt_html_to_pdf(page, path, message, sizeof message);
    return status == SAL_STATUS_OK ? status : sal_fail(ctx, status, "%s", message);
}

sal_status sal_report_save(sal_report *r, const char *path)
{
    char *page;
    sal_status status = sal_report_text(r, &page);
    if (status != SAL_STATUS_OK) return status;
    status = is_pdf(path) ? save_pdf(r->ctx, page, path) : sal_file_write(r->ctx, path, page, (int64_t)strlen(page));
    sal_release(r->ctx, page);
    return status;
}

void sal__report_escape(sal_report *r, const char *text)
{
    for (const char *c = text; *c;) {
        size_t plain = strcspn(c, "&<>\"'"
                                  "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16"
                                  "\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f");
        sal_text_append_bytes(r->ctx, &r->body, c, (int64_t)plain);
        c += plain;
        if (!*c) return;
        const char *as = *c == '&'    ? "&amp;"
                         : *c == '<'  ? "&lt;"
                         : *c == '>'  ? "&gt;"
                         : *c == '"'  ? "&quot;"
                         : *c == '\'' ? "&#39;"
                                      : " ";
        sal_text_append_bytes(r->ctx, &r->body, as, (int64_t)strlen(as));
        c++;
    }
}

void sal_report_heading(sal_report *r, const char *text)
{
    sal__report_append(r, "<h2>");
    sal__report_escape(r, text);
    sal__report_append(r, "</h2>\n");
}

static void paragraph(sal_report *r, const char *open, const char *format, va_list arguments)
{
    char *text = NULL;
    va_list again;
    va_copy(again, arguments);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (n < 0 || sal_allocate(r->ctx, n + 1, 1, &text) != SAL_STATUS_OK) {
        if (r->body.status == SAL_STATUS_OK) r->body.status = SAL_STATUS_MEMORY;
        return;
    }
    vsnprintf(text, (size_t)n + 1, format, arguments);
    sal__report_append(r, "%s", open);
    sal__report_escape(r, text);
    sal__report_append(r, "</p>\n");
    sal_release(r->ctx, text);
}

void sal_report_paragraph(sal_report *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    paragraph(r, "<p>", format, arguments);
    va_end(arguments);
}

void sal_report_note(sal_report *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    paragraph(r, "<p class=\"note\">", format, arguments);
    va_end(arguments);
}

static bool is_number(const char *text)
{
    char *end;
    if (!text || !text[0]) return true;
    strtod(text, &end);
    while (*end == ' ' || *end == '%') end++;
    return end != text && !*end;
}

/* A column of numbers stands to the right, whole: a mixed one would be ragged. */
static bool is_number_column(int64_t column, int64_t n_columns, int64_t n_rows, const char *const *cells)
{
    bool numbers = column > 0;
    for (int64_t i = 0; i < n_rows; i++) numbers = numbers && is_number(cells[i * n_columns + column]);
    return numbers;
}

void sal_report_table(sal_report *r, const char *caption, int64_t n_columns, const char *const *columns, int64_t n_rows,
                      const char *const *cells)
{
    sal__report_append(r, "<table><caption>Table %lld. ", (long long)++r->tables);
    sal__report_escape(r, caption);
    sal__report_append(r, "</caption>\n<tr>");
    for (int64_t c = 0; c < n_columns; c++) {
        sal__report_append(r, is_number_column(c, n_columns, n_rows, cells) ? "<th>" : "<th class=\"t\">");
        sal__report_escape(r, columns[c]);
        sal__report_append(r, "</th>");
    }
    sal__report_append(r, "</tr>\n");
    for (int64_t i = 0; i < n_rows; i++) {
        sal__report_append(r, "<tr>");
        for (int64_t c = 0; c < n_columns; c++) {
            const char *cell = cells[i * n_columns + c];
            bool numbers = is_number_column(c, n_columns, n_rows, cells);
            sal__report_append(r, c == 0 ? "<td class=\"f\">" : numbers ? "<td>" : "<td class=\"t\">");
            sal__report_escape(r, cell ? cell : "\xe2\x80\x93");
            sal__report_append(r, "</td>");
        }
        sal__report_append(r, "</tr>\n");
    }
    sal__report_append(r, "</table>\n");
}
