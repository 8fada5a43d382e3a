/* test_samples.c - samples from tables as people keep them, tables that must be refused, matching to stacks. */
#include "data_test.h"
#include "data/samples.h"
#include <signal.h>
#include <sys/resource.h>

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "w");
    fputs(text, file);
    fclose(file);
}

static sal_status read_status(const char *name, const char *target, const char *date)
{
    sal_samples *samples = NULL;
    sal_error_clear(ctx);
    sal_status status = sal_samples_read(ctx, in_folder(name), target, date, &samples);
    if (status != SAL_STATUS_OK) assert_null(samples);
    sal_samples_free(ctx, samples);
    return status;
}

static void refuse(const char *name, const char *target, const char *date, const char *part)
{
    sal_status status = read_status(name, target, date);
    assert_message(part);
    assert_int_equal(status, SAL_STATUS_DATA);
}

static void refuse_csv(const char *text, const char *part)
{
    write_file("bad.csv", text);
    refuse("bad.csv", "ec", "when", part);
}

static sal_samples *read_samples(const char *name, const char *target, const char *date)
{
    sal_samples *samples = NULL;
    assert_done(sal_samples_read(ctx, in_folder(name), target, date, &samples));
    return samples;
}

static void samples_come_from_gpkg_shp_geojson_and_csv(void **state)
{
    const double x[3] = { 500005, 500015, 500025 }, y[3] = { 4199995, 4199985, 4199975 }, ec[3] = { 1.5, 2.5, 3.5 };
    const char *when[3] = { "2020-06-01", "2020-06-02", NULL };
    const sal_column columns[2] = { { "ec", 'f', ec }, { "when", 't', when } };
    assert_done(sal_points_write(ctx, in_folder("points.gpkg"), "field", "EPSG:32650", 3, x, y, columns, 2));
    GDALDatasetH ds = GDALOpenEx(in_folder("points.gpkg"), GDAL_OF_VECTOR, NULL, NULL, NULL);
    GDALClose(GDALCreateCopy(GDALGetDriverByName("ESRI Shapefile"), in_folder("points.shp"), ds, 0, NULL, NULL, NULL));
    GDALClose(ds);
    write_file("points.geojson", "{\"type\":\"FeatureCollection\",\"features\":["
                                 "{\"type\":\"Feature\",\"properties\":{\"ec\":1.5,\"when\":\"2020-06-01\"},"
                                 "\"geometry\":{\"type\":\"Point\",\"coordinates\":[117.0,37.9]}},"
                                 "{\"type\":\"Feature\",\"properties\":{\"ec\":2.5,\"when\":\"2020-06-02\"},"
                                 "\"geometry\":{\"type\":\"Point\",\"coordinates\":[117.1,37.9]}},"
                                 "{\"type\":\"Feature\",\"properties\":{\"ec\":3.5,\"when\":null},\"geometry\":{"
                                 "\"type\":\"Point\",\"coordinates\":[117.2,37.9]}}]}");
    write_file("points.csv",
               "Longitude,Latitude,ec,when\n117.0,37.9,1.5,2020-06-01\n117.1,37.9,2.5,2020-06-02\n117.2,37.9,3.5,\n");
    const char *names[] = { "points.gpkg",           "points.gpkg|layername=field",
                            "points.gpkg|layerid=0", "points.shp",
                            "points.geojson",        "points.csv" };
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        sal_samples *s = read_samples(names[k], "ec", "when");
        assert_int_equal(s->count, 3);
        assert_near(s->items[1].target, 2.5, 0);
        assert_string_equal(s->items[0].date, "2020-06-01");
        assert_string_equal(s->items[2].date, "");
        assert_near(s->items[0].x, k < 4 ? 500005 : 117.0, 1e-6);
        if (!sal_grid_same_crs(s->wkt, k < 4 ? "EPSG:32650" : "EPSG:4326")) fail_msg("%s: %s", names[k], s->wkt);
        assert_string_equal(s->target_field, "ec");
        sal_samples_free(ctx, s);
    }
    sal_samples *s = read_samples("points.gpkg|layername=field|subset=\"ec\" > 2", "ec", NULL);
    assert_int_equal(s->count, 2);
    assert_string_equal(s->date_field, "");
    sal_samples_free(ctx, s);
}

static void samples_with_missing_values_are_left_out_and_counted(void **state)
{
    write_file("holes.csv", "lon,lat,ec,when\n117,37,1,\n117,37.1,,\n117,37.2,nan,\n,,7,\n117,37.3,4,\n");
    sal_samples *s = read_samples("holes.csv", "ec", NULL);
    assert_int_equal(s->count, 2);
    assert_int_equal(s->dropped_null + s->dropped_not_a_number, 2);
    assert_true(logged("left out"));
    assert_true(logged("1 features without a point"));
    sal_samples_free(ctx, s);
    const double x[3] = { 1, 2, 3 }, y[3] = { 1, 2, 3 };
    const double ec[3] = { 1, INFINITY, 3 };
    GDALDatasetH ds =
        GDALCreate(GDALGetDriverByName("ESRI Shapefile"), in_folder("inf.shp"), 0, 0, 0, GDT_Unknown, NULL);
    OGRSpatialReferenceH crs = OSRNewSpatialReference(NULL);
    OSRImportFromEPSG(crs, 32650);
    OGRLayerH layer = GDALDatasetCreateLayer(ds, "inf", crs, wkbPoint, NULL);
    OSRRelease(crs);
    OGRFieldDefnH field = OGR_Fld_Create("ec", OFTReal);
    OGR_L_CreateField(layer, field, 1);
    OGR_Fld_Destroy(field);
    for (int i = 0; i < 3; i++) {
        OGRFeatureH f = OGR_F_Create(OGR_L_GetLayerDefn(layer));
        OGRGeometryH g = OGR_G_CreateGeometry(wkbPoint);
        OGR_G_SetPoint_2D(g, 0, x[i], y[i]);
        OGR_F_SetGeometryDirectly(f, g);
        OGR_F_SetFieldDouble(f, 0, ec[i]);
        assert_int_equal(OGR_L_CreateFeature(layer, f), OGRERR_NONE);
        OGR_F_Destroy(f);
    }
    GDALClose(ds);
    s = read_samples("inf.shp", "ec", NULL);
    assert_int_equal(s->count, 2);
    sal_samples_free(ctx, s);
}

static void samples_text_numbers_are_read_with_a_warning(void **state)
{
    write_file("comma.csv", "lon,lat,ec\n117,37,\"6,1\"\n117,37.1,\" 7.25 \"\n117,37.2,n/a\n");
    sal_samples *s = read_samples("comma.csv", "ec", NULL);
    assert_int_equal(s->count, 2);
    assert_near(s->items[0].target, 6.1, 1e-12);
    assert_near(s->items[1].target, 7.25, 0);
    assert_int_equal(s->dropped_null, 1);
    assert_true(logged("2 values were read as numbers"));
    sal_samples_free(ctx, s);
}

static void samples_bad_tables_are_refused_with_reason(void **state)
{
    refuse_csv("lon,lat,ec,when\n117,37,high,\n117,38,low,\n", "\"high\"");
    refuse_csv("lon,lat,ec,when\n117,37,\"1,234.5\",\n117,38,2,\n", "1,234.5");
    refuse_csv("lon,lat,ec,when\n117,37,<0.5,\n117,38,2,\n", "<0.5");
    refuse_csv("lon,lat,ec,when\n117,37,1,\n117,38,-2,\n117,39,-3,\n",
               "2 of 3 samples have a negative \"ec\" (first: feature 2, -2)");
    refuse_csv("lon,lat,ec,when\n117,37,4,\n117,38,4,\n", "same \"ec\", 4");
    refuse_csv("lon,lat,ec,when\n117,37,,\n117,38,,\n", "no usable point");
    refuse_csv("lon,lat,ec,when\n", "no usable point");
    refuse_csv("lon,lat,salt,when\n117,37,4,\n", "its fields are lon, lat, salt, when");
    refuse_csv("lon,lat,EC,when\n117,37,4,\n", "did you mean \"EC\"");
    refuse_csv("a,b,ec,when\n117,37,4,\n117,38,5,\n", "no point layer");
    refuse_csv("x,y,ec,when\n117,37,4,\n117,38,5,\n", "no coordinate reference system");
    refuse_csv("lon,lat,ec,when\n500000,4200000,4,\n500010,4200000,5,\n", "no degrees");
    refuse_csv("lon,lat,ec,when\n117,37,4,2020-06-01\n117,38,5,soon\n", "\"soon\" in feature 2");
    refuse_csv("lon,lat,ec,when\n117,37,4,2020-06-01\n117,38,5,30.02.2020\n", "30.02.2020");
    assert_int_equal(read_status("absent.gpkg", "ec", NULL), SAL_STATUS_IO);
    assert_message("absent.gpkg");
    assert_int_equal(read_status("bad.csv|something=else", "ec", NULL), SAL_STATUS_ARGUMENT);
    assert_message("something=else");
    write_file("xy.csv", "x,y,ec\n500005,4199995,4\n500015,4199995,5\n");
    char *wkt = NULL;
    OGRSpatialReferenceH crs = OSRNewSpatialReference(NULL);
    OSRImportFromEPSG(crs, 32650);
    OSRExportToWkt(crs, &wkt);
    OSRRelease(crs);
    write_file("xy.prj", wkt);
    CPLFree(wkt);
    assert_done(read_status("xy.csv", "ec", NULL));
    write_file("xy.shp", "");
    refuse("xy.csv", "ec", NULL, "no coordinate reference system");
}

static void add_layer(GDALDatasetH ds, const char *name, OGRwkbGeometryType type)
{
    OGRSpatialReferenceH crs = OSRNewSpatialReference(NULL);
    OSRImportFromEPSG(crs, 32650);
    OGRLayerH layer = GDALDatasetCreateLayer(ds, name, crs, type, NULL);
    OSRRelease(crs);
    OGRFieldDefnH field = OGR_Fld_Create("ec", OFTReal);
    OGR_L_CreateField(layer, field, 1);
    OGR_Fld_Destroy(field);
}

static void samples_layer_must_be_clear_and_hold_points(void **state)
{
    GDALDatasetH ds = GDALCreate(GDALGetDriverByName("GPKG"), in_folder("many.gpkg"), 0, 0, 0, GDT_Unknown, NULL);
    add_layer(ds, "spring", wkbPoint);
    add_layer(ds, "autumn", wkbPoint);
    add_layer(ds, "area", wkbPolygon);
    GDALClose(ds);
    refuse("many.gpkg", "ec", NULL, "2 point layers (\"spring\", \"autumn\")");
    refuse("many.gpkg|layername=winter", "ec", NULL,
           "no layer \"winter\"; its point layers are \"spring\", \"autumn\"");
    refuse("many.gpkg|layername=area", "ec", NULL, "holds no points");
    refuse("many.gpkg|layername=spring", "ec", NULL, "no usable point");
    refuse("many.gpkg|layername=spring|subset=nonsense >", "ec", NULL, "filter");
    ds = GDALCreate(GDALGetDriverByName("GPKG"), in_folder("area.gpkg"), 0, 0, 0, GDT_Unknown, NULL);
    add_layer(ds, "area", wkbPolygon);
    GDALClose(ds);
    refuse("area.gpkg", "ec", NULL, "no point layer: it holds Polygon");
    write_file(
        "line.geojson",
        "{\"type\":\"Feature\",\"properties\":{\"ec\":1},\"geometry\":{\"type\":\"GeometryCollection\",\"geometries\":"
        "[{\"type\":\"LineString\",\"coordinates\":[[1,2],[3,4]]}]}}");
    refuse("line.geojson", "ec", NULL, "feature 0");
}

static void dates_are_read_in_the_forms_tables_use(void **state)
{
    const char *good[][2] = { { "2020-06-01", "2020-06-01" },
                              { "2020/06/01", "2020-06-01" },
                              { "20200601", "2020-06-01" },
                              { "2020-06", "2020-06-15" },
                              { "01.06.2020", "2020-06-01" },
                              { " 2020-02-29 ", "2020-02-29" },
                              { "2020-06-01T10:20:30Z", "2020-06-01" },
                              { "2020/06/01 00:00:00", "2020-06-01" } };
    const char *bad[] = { "",     "2020",     "2019-02-29", "06/15/2020", "2020-13-01", "2020-06-01x",
                          "soon", "2020-6-1", "32.01.2020", "2020-06/01" };
    char out[11];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(sal_date_parse(good[i][0], out));
        assert_string_equal(out, good[i][1]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (sal_date_parse(bad[i], out)) fail_msg("\"%s\" was read as %s", bad[i], out);
        assert_string_equal(out, "");
    }
    assert_int_equal(sal_date_days("1970-01-01"), 0);
    assert_int_equal(sal_date_days("2000-03-01"), 11017);
    assert_int_equal(sal_date_days("1969-12-31"), -1);
    assert_true(sal_date_days("no") == INT64_MIN);
}

/* A 100 x 100 stack of 10 m whose west edge lies `shift` metres east of 500000. */
static sal_stack *make_stack(const char *name, const char *date, const char *campaign, double shift)
{
    GDALDatasetH ds = make_raster(in_folder(name), GDT_Int16, 100, 100, 1, NULL, NULL);
    double g[6] = { 500000 + shift, 10, 0, 4200000, 0, -10 };
    GDALSetGeoTransform(ds, g);
    GDALSetDescription(GDALGetRasterBand(ds, 1), "B04");
    if (date) GDALSetMetadataItem(ds, "DATE", date, "SALINA");
    if (campaign) GDALSetMetadataItem(ds, "CAMPAIGN", campaign, "SALINA");
    GDALClose(ds);
    sal_stack *stack;
    assert_done(sal_stack_open(ctx, in_folder(name), &stack));
    return stack;
}

static sal_samples *make_samples(int64_t n, const double *x, const double *y, const double *ec, const char *const *when)
{
    const sal_column columns[2] = { { "ec", 'f', ec }, { "when", 't', when } };
    assert_done(sal_points_write(ctx, in_folder("match.gpkg"), "field", "EPSG:32650", n, x, y, columns, when ? 2 : 1));
    return read_samples("match.gpkg", "ec", when ? "when" : NULL);
}

static void samples_are_matched_by_nearest_date(void **state)
{
    sal_stack *stacks[2] = { make_stack("a.tif", "2020-03-01", "a", 0), make_stack("b.tif", "2020-09-01", "b", 0) };
    const double x[4] = { 500005, 500015, 500995, 501005 }, y[4] = { 4199995, 4199985, 4199005, 4199005 },
                 ec[4] = { 1, 2, 3, 4 };
    sal_samples *s =
        make_samples(4, x, y, ec, (const char *[]){ "2020-04-10", "2020-08-20", "01.09.2020", "2020-09-01" });
    assert_done(sal_samples_match(ctx, s, stacks, 2));
    assert_int_equal(s->count, 3);
    assert_int_equal(s->dropped_outside, 1);
    assert_int_equal(s->items[0].stack, 0);
    assert_int_equal(s->items[1].stack, 1);
    assert_int_equal(s->items[1].column, 1);
    assert_int_equal(s->items[1].row, 1);
    assert_int_equal(s->items[2].column, 99);
    assert_int_equal(s->items[2].row, 99);
    assert_true(logged("largest gap is 40 days"));
    sal_samples_free(ctx, s);

    s = make_samples(2, x, y, ec, (const char *[]){ "2020-04-10", "2018-08-20" });
    assert_int_equal(sal_samples_match(ctx, s, stacks, 2), SAL_STATUS_DATA);
    assert_message("feature 2");
    assert_message("2018-08-20");
    sal_samples_free(ctx, s);
    sal_error_clear(ctx);

    s = make_samples(2, x, y, ec, NULL);
    assert_int_equal(sal_samples_match(ctx, s, stacks, 2), SAL_STATUS_DATA);
    assert_message("date_field");
    sal_samples_free(ctx, s);
    sal_error_clear(ctx);

    s = make_samples(2, x, y, ec, (const char *[]){ "2018-04-10", "2018-08-20" });
    assert_done(sal_samples_match(ctx, s, stacks, 1)); /* one stack takes all */
    assert_true(logged("more than 183 days"));
    sal_samples_free(ctx, s);
    sal_stack_free(stacks[0]);
    sal_stack_free(stacks[1]);
}

static void samples_are_matched_by_campaign_name(void **state)
{
    sal_stack *stacks[2] = { make_stack("a.tif", "2020-03-01", "2020 dry", 0),
                             make_stack("b.tif", NULL, "2020 wet", 0) };
    const double x[3] = { 500005, 500015, 500995 }, y[3] = { 4199995, 4199985, 4199005 }, ec[3] = { 1, 2, 3 };
    sal_samples *s = make_samples(3, x, y, ec, (const char *[]){ "2020 wet", "2020 dry", NULL });
    assert_done(sal_samples_match(ctx, s, stacks, 2));
    assert_int_equal(s->count, 2);
    assert_int_equal(s->items[0].stack, 1);
    assert_int_equal(s->items[1].stack, 0);
    assert_true(logged("1 samples without \"when\""));
    sal_samples_free(ctx, s);
    s = make_samples(3, x, y, ec, (const char *[]){ "2020 wet", "2021 wet", "2020 dry" });
    assert_int_equal(sal_samples_match(ctx, s, stacks, 2), SAL_STATUS_DATA);
    assert_message("\"2021 wet\" in feature 2");
    assert_message("\"2020 dry\", \"2020 wet\"");
    sal_samples_free(ctx, s);
    sal_stack_free(stacks[0]);
    sal_stack_free(stacks[1]);
}

static void samples_on_tiles_of_one_date_are_told_apart_by_position(void **state)
{
    sal_stack *stacks[2] = { make_stack("west.tif", "2020-03-01", NULL, 0),
                             make_stack("east.tif", "2020-03-01", NULL, 1000) };
    const double x[2] = { 501505, 500505 }, y[2] = { 4199995, 4199985 }, ec[2] = { 1, 2 };
    sal_samples *s = make_samples(2, x, y, ec, NULL);
    assert_done(sal_samples_match(ctx, s, stacks, 2));
    assert_int_equal(s->items[0].stack, 1);
    assert_int_equal(s->items[0].column, 50);
    assert_int_equal(s->items[1].stack, 0);
    sal_samples_free(ctx, s);
    sal_stack_free(stacks[0]);
    sal_stack_free(stacks[1]);
}

static void samples_are_brought_to_the_crs_of_the_stack(void **state)
{
    sal_stack *stack = make_stack("a.tif", NULL, NULL, 0);
    double x[2] = { 500505, 500555 }, y[2] = { 4199495, 4199445 };
    assert_done(sal_points_transform(ctx, "EPSG:32650", "EPSG:4326", 2, x, y));
    assert_near(x[0], 117, 0.1); /* longitude first, whatever the authority says */
    const double ec[2] = { 1, 2 };
    const sal_column column = { "ec", 'f', ec };
    assert_done(sal_points_write(ctx, in_folder("degrees.gpkg"), "field", "EPSG:4326", 2, x, y, &column, 1));
    sal_samples *s = read_samples("degrees.gpkg", "ec", NULL);
    assert_done(sal_samples_match(ctx, s, &stack, 1));
    assert_near(s->items[0].x, 500505, 1e-3);
    assert_near(s->items[1].y, 4199445, 1e-3);
    assert_int_equal(s->items[0].column, 50);
    assert_int_equal(s->items[0].row, 50);
    assert_true(sal_grid_same_crs(s->wkt, "EPSG:32650"));
    sal_samples_free(ctx, s);
    sal_stack_free(stack);
}

static void samples_elsewhere_are_refused_and_both_places_are_said(void **state)
{
    sal_stack *stack = make_stack("a.tif", NULL, NULL, 0);
    const double x[2] = { 600505, 600555 }, y[2] = { 4199495, 4199445 }, ec[2] = { 1, 2 };
    sal_samples *s = make_samples(2, x, y, ec, NULL);
    assert_int_equal(sal_samples_match(ctx, s, &stack, 1), SAL_STATUS_DATA);
    assert_message("600505 to 600555");
    assert_message("500000 to 501000");
    sal_samples_free(ctx, s);
    sal_stack_free(stack);
}

static void samples_that_repeat_are_merged_and_neighbours_counted(void **state)
{
    sal_stack *stack = make_stack("a.tif", NULL, NULL, 0);
    const double x[5] = { 500505, 500505, 500506, 500505, 500605 },
                 y[5] = { 4199495, 4199495, 4199495, 4199495, 4199495 }, ec[5] = { 1, 1, 1, 2, 3 };
    sal_samples *s = make_samples(5, x, y, ec, NULL);
    assert_done(sal_samples_match(ctx, s, &stack, 1));
    assert_int_equal(s->count, 4);
    assert_int_equal(s->items[0].fid, 1);
    assert_int_equal(s->items[1].fid, 3);
    assert_int_equal(s->duplicates, 2);
    assert_true(logged("repeat another one"));
    assert_true(logged("share their pixel"));
    sal_samples_free(ctx, s);
    sal_stack_free(stack);
}

static void points_written_are_read_back_and_failure_leaves_nothing(void **state)
{
    const double x[2] = { 1, 2 }, y[2] = { 3, 4 }, f[2] = { 0.5, NAN };
    const int64_t i[2] = { 7, -8 };
    const char *t[2] = { "a \"quoted\" text", NULL };
    const sal_column columns[3] = { { "f", 'f', f }, { "i", 'i', i }, { "t", 't', t } };
    assert_done(sal_points_write(ctx, in_folder("out.gpkg"), "predictions", "EPSG:32650", 2, x, y, columns, 3));
    GDALDatasetH ds = GDALOpenEx(in_folder("out.gpkg"), GDAL_OF_VECTOR, NULL, NULL, NULL);
    OGRLayerH layer = GDALDatasetGetLayerByName(ds, "predictions");
    assert_int_equal(OGR_L_GetFeatureCount(layer, 1), 2);
    OGRFeatureH a = OGR_L_GetNextFeature(layer), b = OGR_L_GetNextFeature(layer);
    assert_near(OGR_F_GetFieldAsDouble(a, 0), 0.5, 0);
    assert_false(OGR_F_IsFieldSetAndNotNull(b, 0));
    assert_int_equal(OGR_F_GetFieldAsInteger64(b, 1), -8);
    assert_string_equal(OGR_F_GetFieldAsString(a, 2), t[0]);
    assert_false(OGR_F_IsFieldSetAndNotNull(b, 2));
    assert_near(OGR_G_GetY(OGR_F_GetGeometryRef(b), 0), 4, 0);
    OGR_F_Destroy(a);
    OGR_F_Destroy(b);
    GDALClose(ds);
    assert_int_equal(sal_points_write(ctx, "/no/such/folder/out.gpkg", "p", "EPSG:32650", 2, x, y, columns, 3),
                     SAL_STATUS_IO);
    assert_message("/no/such/folder");
}

static void points_on_a_full_disk_are_an_error(void **state)
{
    enum { N = 5000 };
    double x[N], y[N];
    for (int i = 0; i < N; i++) x[i] = y[i] = i;
    struct rlimit old, tight;
    getrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_IGN);
    int before = files_in_folder();
    for (rlim_t limit = 5000; limit < 400000; limit += 60000) {
        sal_error_clear(ctx);
        tight = (struct rlimit){ limit, old.rlim_max };
        setrlimit(RLIMIT_FSIZE, &tight);
        sal_status status = sal_points_write(ctx, in_folder("full.gpkg"), "p", "EPSG:32650", N, x, y, NULL, 0);
        setrlimit(RLIMIT_FSIZE, &old);
        if (status != SAL_STATUS_IO) fail_msg("limit %ld: status %d", (long)limit, status);
        assert_message("full.gpkg");
        assert_int_equal(files_in_folder(), before);
    }
}

static void samples_of_a_cut_file_are_refused(void **state)
{
    const double x[2] = { 1, 2 }, y[2] = { 3, 4 }, ec[2] = { 1, 2 };
    const sal_column column = { "ec", 'f', ec };
    const char *path = in_folder("cut.gpkg");
    struct stat whole;
    assert_done(sal_points_write(ctx, path, "p", "EPSG:32650", 2, x, y, &column, 1));
    assert_int_equal(stat(path, &whole), 0);
    for (int part = 1; part < 8; part++) {
        assert_int_equal(truncate(path, whole.st_size * (8 - part) / 8), 0);
        assert_int_not_equal(read_status("cut.gpkg", "ec", NULL), SAL_STATUS_OK);
        assert_true(strlen(sal_context_message(ctx)) > 20);
    }
}

static int32_t use_samples(sal_context *poor)
{
    sal_stack *stack = NULL;
    sal_samples *samples = NULL;
    sal_status status = SAL_STATUS_OK;
    SAL_TRY(sal_stack_open(poor, in_folder("a.tif"), &stack));
    SAL_TRY(sal_samples_read(poor, in_folder("degrees.gpkg"), "ec", NULL, &samples));
    SAL_TRY(sal_samples_match(poor, samples, &stack, 1));
    SAL_TRY(sal_points_write(poor, in_folder("poor.gpkg"), "p", samples->wkt, 0, NULL, NULL, NULL, 0));
done:
    sal_samples_free(poor, samples);
    sal_stack_free(stack);
    return status;
}

static void samples_survive_every_failed_allocation(void **state)
{
    sal_stack_free(make_stack("a.tif", "2020-06-01", NULL, 0));
    fail_every_allocation(use_samples);
}

static void real_samples_are_matched(void **state)
{
    char layer[1100];
    const char *path = shared_file("ardakan/soil_ec.gpkg");
    if (!path) {
        print_message("no shared data; set SALINA_SHARED\n");
        skip();
    }
    snprintf(layer, sizeof layer, "%s|layername=soil_ec", path);
    sal_samples *s;
    assert_done(sal_samples_read(ctx, layer, "EC", NULL, &s));
    assert_int_equal(s->count, 183);
    sal_stack *stack;
    assert_done(sal_stack_open(ctx, shared_file("ardakan/landsat8_reflectance_90m.tif"), &stack));
    assert_done(sal_samples_match(ctx, s, &stack, 1));
    assert_true(s->count > 150);
    sal_stack_free(stack);
    sal_samples_free(ctx, s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(samples_come_from_gpkg_shp_geojson_and_csv),
        TEST(samples_with_missing_values_are_left_out_and_counted),
        TEST(samples_text_numbers_are_read_with_a_warning),
        TEST(samples_bad_tables_are_refused_with_reason),
        TEST(samples_layer_must_be_clear_and_hold_points),
        TEST(dates_are_read_in_the_forms_tables_use),
        TEST(samples_are_matched_by_nearest_date),
        TEST(samples_are_matched_by_campaign_name),
        TEST(samples_on_tiles_of_one_date_are_told_apart_by_position),
        TEST(samples_are_brought_to_the_crs_of_the_stack),
        TEST(samples_elsewhere_are_refused_and_both_places_are_said),
        TEST(samples_that_repeat_are_merged_and_neighbours_counted),
        TEST(points_written_are_read_back_and_failure_leaves_nothing),
        TEST(points_on_a_full_disk_are_an_error),
        TEST(samples_of_a_cut_file_are_refused),
        TEST(samples_survive_every_failed_allocation),
        TEST(real_samples_are_matched),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
