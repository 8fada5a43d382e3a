/* conv_direct.c */
#include "conv_part.h"
sal_status sal__conv_plan_direct(sal__conv_part *p)
{
    (void)p;
    return SAL_STATUS_UNSUPPORTED;
}
