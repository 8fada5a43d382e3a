/* files.c - files through GDAL's virtual file system, so that an archive is read as it lies; XML by GDAL's small parser
 * and not by its sensor drivers, whose numbers differ from version to version.
 */
#define _LARGEFILE64_SOURCE /* stat64, which VSIStatBufL is made of */
#include "files.h"
#include "gdal_guard.h"
#include <cpl_conv.h>
#include <cpl_minixml.h>
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool stat_path(const char *path, VSIStatBufL *about)
{
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    const bool found = path && path[0] && VSIStatL(path, about) == 0;
    sal__gdal_leave(&gdal);
    return found;
}

bool sal_files_exist(const char *path)
{
    VSIStatBufL about;
    return stat_path(path, &about);
}

bool sal_files_is_folder(const char *path)
{
    VSIStatBufL about;
    return stat_path(path, &about) && VSI_ISDIR(about.st_mode);
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static sal_status copy_names(sal_arena *arena, char **found, const char **names, int64_t *count)
{
    sal_status status = SAL_STATUS_OK;
    for (char **name = found; name && *name; name++) {
        char *copy;
        if (strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0) continue;
        SAL_TRY(sal_arena_text(arena, *name, &copy));
        names[(*count)++] = copy;
    }
    qsort(names, (size_t)*count, sizeof *names, by_name);
done:
    return status;
}

sal_status sal_files_list(sal_context *ctx, sal_arena *arena, const char *folder, const char *const **names,
                          int64_t *count)
{
    sal__gdal gdal;
    const char **list = NULL;
    sal_status status;
    *count = 0;
    sal__gdal_enter(&gdal);
    char **found = VSIReadDir(folder);
    if (!found && !sal_files_is_folder(folder)) {
        status = sal_fail(ctx, SAL_STATUS_DATA, "\"%s\" cannot be listed%s; give a folder or an archive that is whole",
                          folder, sal__gdal_reason(&gdal));
        goto done;
    }
    SAL_TRY(sal_arena_allocate(arena, CSLCount(found) + 1, sizeof *list, &list));
    SAL_TRY(copy_names(arena, found, list, count));
    *names = list;
done:
    CSLDestroy(found);
    sal__gdal_leave(&gdal);
    return status;
}

sal_status sal_files_text(sal_context *ctx, const char *path, int64_t most, char **text)
{
    sal__gdal gdal;
    VSIStatBufL about;
    VSILFILE *file = NULL;
    char *bytes = NULL;
    sal_status status = SAL_STATUS_OK;
    *text = NULL;
    sal__gdal_enter(&gdal);
    if (VSIStatL(path, &about) != 0 || VSI_ISDIR(about.st_mode) || !(file = VSIFOpenL(path, "rb")))
        SAL_TRY(sal_fail(ctx, SAL_STATUS_IO, "\"%s\" cannot be read%s", path, sal__gdal_reason(&gdal)));
    if ((int64_t)about.st_size > most)
        SAL_TRY(sal_fail(ctx, SAL_STATUS_DATA,
                         "\"%s\" has %lld bytes, which is more than the %lld such a file may have", path,
                         (long long)about.st_size, (long long)most));
    SAL_TRY(sal_allocate(ctx, (int64_t)about.st_size + 1, 1, &bytes));
    if (VSIFReadL(bytes, 1, (size_t)about.st_size, file) != (size_t)about.st_size)
        SAL_TRY(sal_fail(ctx, SAL_STATUS_IO, "\"%s\" ends before its %lld bytes%s; copy it again", path,
                         (long long)about.st_size, sal__gdal_reason(&gdal)));
    *text = bytes;
    bytes = NULL;
done:
    if (file) VSIFCloseL(file);
    sal_release(ctx, bytes);
    sal__gdal_leave(&gdal);
    return status;
}

double sal_text_number(const char *text)
{
    char *end;
    if (!text) return NAN;
    const double value = CPLStrtod(text, &end);
    while (isspace((unsigned char)*end)) end++;
    return end == text || *end ? NAN : value;
}

/* ---- XML ---- */

sal_status sal_xml_open(sal_context *ctx, const char *path, sal_xml **out)
{
    char *text = NULL;
    sal__gdal gdal;
    *out = NULL;
    sal_status status = sal_files_text(ctx, path, 64 << 20, &text);
    if (status != SAL_STATUS_OK) return status;
    sal__gdal_enter(&gdal);
    CPLXMLNode *parsed = CPLParseXMLString(text);
    if (parsed) {
        CPLStripXMLNamespace(parsed, NULL, TRUE);
        *out = CPLCreateXMLNode(NULL, CXT_Element, "");
        (*out)->psChild = parsed; /* the declaration and the root are brothers */
    } else {
        status = sal_fail(ctx, SAL_STATUS_DATA, "\"%s\" is no XML that can be read%s; download it again", path,
                          sal__gdal_reason(&gdal));
    }
    sal__gdal_leave(&gdal);
    sal_release(ctx, text);
    return status;
}

void sal_xml_free(sal_xml *xml)
{
    if (xml) CPLDestroyXMLNode(xml);
}

static int64_t walk(const CPLXMLNode *node, const char *name, const sal_xml **out, int64_t n, int64_t most)
{
    for (; node; node = node->psNext) {
        if (node->eType == CXT_Element && strcmp(node->pszValue, name) == 0) {
            if (n < most) out[n] = node;
            n++;
        }
        n = walk(node->psChild, name, out, n, most);
    }
    return n;
}

int64_t sal_xml_find(const sal_xml *xml, const char *name, const sal_xml **out, int64_t most)
{
    return walk(xml->psChild, name, out, 0, most);
}

const char *sal_xml_value(const sal_xml *element)
{
    for (const CPLXMLNode *child = element ? element->psChild : NULL; child; child = child->psNext)
        if (child->eType == CXT_Text) return child->pszValue;
    return NULL;
}

const char *sal_xml_attribute(const sal_xml *element, const char *name)
{
    for (const CPLXMLNode *child = element ? element->psChild : NULL; child; child = child->psNext)
        if (child->eType == CXT_Attribute && strcmp(child->pszValue, name) == 0)
            return child->psChild ? child->psChild->pszValue : NULL;
    return NULL;
}

const char *sal_xml_text(const sal_xml *xml, const char *name)
{
    const sal_xml *found = NULL;
    return sal_xml_find(xml, name, &found, 1) ? sal_xml_value(found) : NULL;
}
