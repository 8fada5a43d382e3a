/* files.h - files as GDAL sees them: plain ones, and those inside an archive (/vsizip/, /vsitar/) or behind any other
 * /vsi... path; and the XML that sensors deliver with their products.
 */
#ifndef SAL_DATA_FILES_H
#define SAL_DATA_FILES_H

#include "base/base.h"

/* Whether a path is a file or a folder, /vsi... included. */
bool sal_files_exist(const char *path);
bool sal_files_is_folder(const char *path);
/* Names in a folder, sorted, without "." and "..", owned by the arena; DATA when it is no folder that can be listed. */
sal_status sal_files_list(sal_context *ctx, sal_arena *arena, const char *folder, const char *const **names,
                          int64_t *count);
/* A text file of at most `most` bytes, NUL-terminated, owned by the caller. IO when it cannot be read, DATA when it is
 * longer. */
sal_status sal_files_text(sal_context *ctx, const char *path, int64_t most, char **text);

/* A whole text as a number whatever the locale; NaN when it is none. */
double sal_text_number(const char *text);

/* An XML document; element names without their name space. */
typedef struct CPLXMLNode sal_xml;

/* DATA with the reason when it is no XML. */
sal_status sal_xml_open(sal_context *ctx, const char *path, sal_xml **out);
void sal_xml_free(sal_xml *xml);
/* The elements of that name anywhere below `xml`, in the order of the document; returns how many there are, of which
 * the first `most` are given. */
int64_t sal_xml_find(const sal_xml *xml, const char *name, const sal_xml **out, int64_t most);
/* Text of an element, of its attribute, of the first element of a name below: NULL when there is none. Borrowed. */
const char *sal_xml_value(const sal_xml *element);
const char *sal_xml_attribute(const sal_xml *element, const char *name);
const char *sal_xml_text(const sal_xml *xml, const char *name);

#endif
