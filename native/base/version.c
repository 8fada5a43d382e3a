/* version.c - what this build is made of. The versions of the optional libraries come from CMake; null means not built in. */
#include "base.h"

#ifndef SAL_DNNL_VERSION
#define SAL_DNNL_VERSION "null"
#endif
#ifndef SAL_XGBOOST_VERSION
#define SAL_XGBOOST_VERSION "null"
#endif
#ifndef SAL_LIBSVM_VERSION
#define SAL_LIBSVM_VERSION "null"
#endif
#ifndef SAL_MPI_VERSION
#define SAL_MPI_VERSION "null"
#endif
#ifndef SAL_QT_VERSION
#define SAL_QT_VERSION "null"
#endif

const char *sal_version(void) { return SAL_VERSION; }

const char *sal_build_json(void)
{
    return "{\"version\":\"" SAL_VERSION "\",\"compiler\":\"" SAL_COMPILER "\",\"gdal\":\"" SAL_GDAL_VERSION
           "\",\"proj\":\"" SAL_PROJ_VERSION "\",\"json_c\":\"" SAL_JSONC_VERSION "\",\"dnnl\":" SAL_DNNL_VERSION
           ",\"xgboost\":" SAL_XGBOOST_VERSION ",\"libsvm\":" SAL_LIBSVM_VERSION ",\"mpi\":" SAL_MPI_VERSION
           ",\"qt\":" SAL_QT_VERSION "}";
}

const char *sal_status_text(int32_t status)
{
    switch (status) {
#define SAL_STATUS_CASE(name, number, text)                                                                            \
    case number: return text;
        SAL_STATUS_LIST(SAL_STATUS_CASE)
#undef SAL_STATUS_CASE
    default: return "unknown status";
    }
}
