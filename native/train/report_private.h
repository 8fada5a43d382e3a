/* report_private.h - the page under construction. */
#ifndef SAL_TRAIN_REPORT_PRIVATE_H
#define SAL_TRAIN_REPORT_PRIVATE_H

#include "base/figures.h"
#include "train/report.h"

struct sal_report {
    sal_context *ctx;
    sal_text body;
    char *title;
    int64_t figures, tables;
    const sal_figures *qt;  /* loaded with the first figure */
    bool without_figures;   /* the page has said why */
};

/* Appends text with & < > " escaped; control characters other than newline become spaces. */
void sal__report_escape(sal_report *report, const char *text);
#define sal__report_append(report, ...) sal_text_append((report)->ctx, &(report)->body, __VA_ARGS__)

#endif
