<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de_DE" sourcelanguage="en_GB">
<context>
    <name>Salina</name>
    <message>
        <source>Products of the series</source>
        <translation>Produkte der Zeitreihe</translation>
    </message>
    <message>
        <source>Longest gap of a good season</source>
        <translation>Längste Lücke einer guten Saison</translation>
    </message>
    <message>
        <source>Monthly climate</source>
        <translation>Monatliches Klima</translation>
    </message>
    <message>
        <source>Climate covariates</source>
        <translation>Klima-Kovariaten</translation>
    </message>
    <message>
        <source>Period of the climate</source>
        <translation>Zeitraum des Klimas</translation>
    </message>
    <message>
        <source>Points for the climate table</source>
        <translation>Punkte für die Klimatabelle</translation>
    </message>
    <message>
        <source>Id of the points</source>
        <translation>Kennung der Punkte</translation>
    </message>
    <message>
        <source>Missing value of a climate table</source>
        <translation>Fehlwert einer Klimatabelle</translation>
    </message>
    <message>
        <source>Climate table</source>
        <translation>Klimatabelle</translation>
    </message>
    <message>
        <source>Covariates that are classes</source>
        <translation>Kovariaten aus Klassen</translation>
    </message>
    <message>
        <source>Cropland mask</source>
        <translation>Ackerland-Maske</translation>
    </message>
    <message>
        <source>Mask buffer</source>
        <translation>Puffer um maskierte Pixel</translation>
    </message>
    <message>
        <source>Mask classes</source>
        <translation>Zu maskierende Klassen</translation>
    </message>
    <message>
        <source>Resampling of reflectance</source>
        <translation>Resampling der Reflexion</translation>
    </message>
    <message>
        <source>Salina: soil salinity from satellite imagery</source>
        <translation>Salina: Bodenversalzung aus Satellitenbildern</translation>
    </message>
    <message>
        <source>Covariates</source>
        <translation>Kovariaten</translation>
    </message>
    <message>
        <source>Salinity</source>
        <translation>Salzgehalt</translation>
    </message>
    <message>
        <source>Demonstration</source>
        <translation>Vorführung</translation>
    </message>
    <message>
        <source>A raster layer of the project may stand there by its name: ID=layer.</source>
        <translation>Ein Rasterlayer des Projekts darf dort mit seinem Namen stehen: ID=Layer.</translation>
    </message>
    <message>
        <source>Folder for one stack a day</source>
        <translation>Ordner für einen Stapel je Tag</translation>
    </message>
    <message>
        <source>Bands of a spectrometer</source>
        <translation>Bänder eines Spektrometers</translation>
    </message>
    <message>
        <source>Scene products</source>
        <translation>Szenen-Produkte</translation>
    </message>
    <message>
        <source>This build of libsalina has no figures: it was made without Qt and Qwt.</source>
        <translation>Diese libsalina hat keine Abbildungen: Sie wurde ohne Qt und Qwt gebaut.</translation>
    </message>
    <message>
        <source>The figures of this build of Salina need Qt {ours}, but QGIS runs on Qt {theirs}; install a Salina built for Qt {theirs}.</source>
        <translation>Die Abbildungen dieser Salina brauchen Qt {ours}, aber QGIS läuft mit Qt {theirs}; installieren Sie eine Salina für Qt {theirs}.</translation>
    </message>
    <message>
        <source>The figures of Salina could not be loaded: {error}</source>
        <translation>Die Abbildungen von Salina konnten nicht geladen werden: {error}</translation>
    </message>
    <message>
        <source>The library libsalina could not be loaded: {reasons}.</source>
        <translation>Die Bibliothek libsalina konnte nicht geladen werden: {reasons}.</translation>
    </message>
    <message>
        <source>Install version {version} of it: put {file} (of a Salina release, or built with bash bootstrap.sh build) into {folder}, or set the environment variable SALINA_LIBRARY to its path; on Debian it needs apt install {packages}. Then restart QGIS.</source>
        <translation>Installieren Sie Version {version}: legen Sie {file} (aus einer Salina-Veröffentlichung oder mit bash bootstrap.sh build gebaut) nach {folder}, oder setzen Sie die Umgebungsvariable SALINA_LIBRARY auf ihren Pfad; unter Debian wird apt install {packages} gebraucht. Starten Sie QGIS dann neu.</translation>
    </message>
    <message>
        <source>Unit of elevation</source>
        <translation>Einheit der Höhe</translation>
    </message>
    <message>
        <source>a value is needed</source>
        <translation>ein Wert wird gebraucht</translation>
    </message>
    <message>
        <source>{given:g} is outside {low:g} to {high:g}</source>
        <translation>{given:g} liegt nicht zwischen {low:g} und {high:g}</translation>
    </message>
    <message>
        <source>{label} (one a line)</source>
        <translation>{label} (je Zeile einer)</translation>
    </message>
    <message>
        <source>{label}: the layer could not be opened</source>
        <translation>{label}: der Layer konnte nicht geöffnet werden</translation>
    </message>
    <message>
        <source>{label}: the raster could not be opened</source>
        <translation>{label}: das Raster konnte nicht geöffnet werden</translation>
    </message>
    <message>
        <source>{path} has version {found}, but the plugin needs {version}</source>
        <translation>{path} hat Version {found}, das Plugin braucht {version}</translation>
    </message>
    <message>
        <source>{path} is not the libsalina of this plugin ({error})</source>
        <translation>{path} ist nicht die libsalina dieses Plugins ({error})</translation>
    </message>
    <message>
        <source>{value} cannot be opened, or is no such thing</source>
        <translation>{value} lässt sich nicht öffnen oder ist etwas anderes</translation>
    </message>
    <message>
        <source>layer "{name}" could not be copied to {path}: {message}</source>
        <translation>Layer „{name}“ konnte nicht nach {path} kopiert werden: {message}</translation>
    </message>
    <message>
        <source>layer "{name}" has another CRS in the project ({project}) than in its file ({file}); the file counts</source>
        <translation>Layer „{name}“ hat im Projekt ein anderes KBS ({project}) als in seiner Datei ({file}); es gilt die Datei</translation>
    </message>
    <message>
        <source>layer "{name}" is no file that GDAL can read; save it as GeoTIFF first</source>
        <translation>Layer „{name}“ ist keine Datei, die GDAL lesen kann; speichern Sie ihn erst als GeoTIFF</translation>
    </message>
    <message>
        <source>layer "{name}" is opened with options that its path alone does not carry; save it as GeoTIFF first</source>
        <translation>Layer „{name}“ ist mit Optionen geöffnet, die sein Pfad nicht enthält; speichern Sie ihn erst als GeoTIFF</translation>
    </message>
    <message>
        <source>layer "{name}" was copied to {path}, as it is shown in the project</source>
        <translation>Layer „{name}“ wurde nach {path} kopiert, so wie das Projekt ihn zeigt</translation>
    </message>
    <message>
        <source>libsalina {version} has no operation "{name}"; install the version that belongs to this plugin</source>
        <translation>libsalina {version} hat keine Operation „{name}“; installieren Sie die Version, die zu diesem Plugin gehört</translation>
    </message>
    <message>
        <source>Build covariate stack</source>
        <translation>Kovariatenstapel bauen</translation>
    </message>
    <message>
        <source>Create demo delta</source>
        <translation>Beispieldelta erzeugen</translation>
    </message>
    <message>
        <source>Train model</source>
        <translation>Modell trainieren</translation>
    </message>
    <message>
        <source>Compare models</source>
        <translation>Modelle vergleichen</translation>
    </message>
    <message>
        <source>Systems</source>
        <translation>Systeme</translation>
    </message>
    <message>
        <source>Seeds</source>
        <translation>Zufallszahlen-Startwerte</translation>
    </message>
    <message>
        <source>Table</source>
        <translation>Tabelle</translation>
    </message>
    <message>
        <source>Retrieve salinity</source>
        <translation>Salzgehalt ableiten</translation>
    </message>
    <message>
        <source>Index series</source>
        <translation>Zeitreihe eines Index</translation>
    </message>
    <message>
        <source>Phenology covariates</source>
        <translation>Phänologische Kovariaten</translation>
    </message>
    <message>
        <source>Index of the series</source>
        <translation>Index der Zeitreihe</translation>
    </message>
    <message>
        <source>Year of the season</source>
        <translation>Jahr der Vegetationszeit</translation>
    </message>
    <message>
        <source>Season</source>
        <translation>Vegetationszeit</translation>
    </message>
    <message>
        <source>Smoothing of the series</source>
        <translation>Glättung der Zeitreihe</translation>
    </message>
    <message>
        <source>Stiffness of the Whittaker curve</source>
        <translation>Steifheit der Whittaker-Kurve</translation>
    </message>
    <message>
        <source>Upper envelope</source>
        <translation>Obere Einhüllende</translation>
    </message>
    <message>
        <source>Floor of the series</source>
        <translation>Untergrenze der Zeitreihe</translation>
    </message>
    <message>
        <source>Step of the smoothed curve</source>
        <translation>Schrittweite der geglätteten Kurve</translation>
    </message>
    <message>
        <source>Threshold of SOS</source>
        <translation>Schwelle von SOS</translation>
    </message>
    <message>
        <source>Threshold of SDPS</source>
        <translation>Schwelle von SDPS</translation>
    </message>
    <message>
        <source>Threshold of EOS</source>
        <translation>Schwelle von EOS</translation>
    </message>
    <message>
        <source>Green-up from</source>
        <translation>Ergrünen von</translation>
    </message>
    <message>
        <source>Green-up to</source>
        <translation>Ergrünen bis</translation>
    </message>
    <message>
        <source>Least amplitude of a season</source>
        <translation>Kleinste Amplitude einer Vegetationszeit</translation>
    </message>
    <message>
        <source>Contrast between seasons</source>
        <translation>Kontrast zwischen Vegetationszeiten</translation>
    </message>
    <message>
        <source>Least observations of a pixel</source>
        <translation>Mindestzahl der Beobachtungen eines Pixels</translation>
    </message>
    <message>
        <source>Scale of the series</source>
        <translation>Skalierung der Zeitreihe</translation>
    </message>
    <message>
        <source>Offset of the series</source>
        <translation>Versatz der Zeitreihe</translation>
    </message>
    <message>
        <source>Band roles</source>
        <translation>Rollen der Kanäle</translation>
    </message>
    <message>
        <source>Batch size</source>
        <translation>Stapelgröße</translation>
    </message>
    <message>
        <source>Keep overlapping windows together</source>
        <translation>Überlappende Fenster zusammenhalten</translation>
    </message>
    <message>
        <source>Intervals</source>
        <translation>Vorhersageintervalle</translation>
    </message>
    <message>
        <source>Weighting of the scores</source>
        <translation>Gewichtung der Gütemaße</translation>
    </message>
    <message>
        <source>Local point density</source>
        <translation>Lokale Punktdichte</translation>
    </message>
    <message>
        <source>Dissimilarity index (no unit)</source>
        <translation>Unähnlichkeitsindex (ohne Einheit)</translation>
    </message>
    <message>
        <source>Area of applicability</source>
        <translation>Anwendbarkeitsbereich</translation>
    </message>
    <message>
        <source>Block size</source>
        <translation>Blockgröße</translation>
    </message>
    <message>
        <source>Campaign</source>
        <translation>Kampagne</translation>
    </message>
    <message>
        <source>Class scheme</source>
        <translation>Klasseneinteilung</translation>
    </message>
    <message>
        <source>Covariate stack</source>
        <translation>Kovariatenstapel</translation>
    </message>
    <message>
        <source>Covariate stacks</source>
        <translation>Kovariatenstapel (mehrere)</translation>
    </message>
    <message>
        <source>Coverage of the interval</source>
        <translation>Überdeckung des Intervalls</translation>
    </message>
    <message>
        <source>Centre of the distribution</source>
        <translation>Mitte der Verteilung</translation>
    </message>
    <message>
        <source>Format</source>
        <translation>Format</translation>
    </message>
    <message>
        <source>Maximum memory</source>
        <translation>Größter Arbeitsspeicher</translation>
    </message>
    <message>
        <source>Rows read at a time</source>
        <translation>Zeilen je Lesevorgang</translation>
    </message>
    <message>
        <source>Salinity map</source>
        <translation>Karte des Salzgehalts</translation>
    </message>
    <message>
        <source>Date</source>
        <translation>Datum</translation>
    </message>
    <message>
        <source>Date or campaign field</source>
        <translation>Feld mit Datum oder Kampagne</translation>
    </message>
    <message>
        <source>Depth</source>
        <translation>Tiefe</translation>
    </message>
    <message>
        <source>Dropout</source>
        <translation>Dropout</translation>
    </message>
    <message>
        <source>Elevation model</source>
        <translation>Höhenmodell</translation>
    </message>
    <message>
        <source>Epochs</source>
        <translation>Epochen</translation>
    </message>
    <message>
        <source>Extract</source>
        <translation>Extrakt</translation>
    </message>
    <message>
        <source>NDVI series</source>
        <translation>NDVI-Zeitreihe</translation>
    </message>
    <message>
        <source>Field samples</source>
        <translation>Feldproben</translation>
    </message>
    <message>
        <source>Folds</source>
        <translation>Teilungen</translation>
    </message>
    <message>
        <source>Indices to write</source>
        <translation>Zu schreibende Indizes</translation>
    </message>
    <message>
        <source>Learning rate</source>
        <translation>Lernrate</translation>
    </message>
    <message>
        <source>Loss</source>
        <translation>Verlustfunktion</translation>
    </message>
    <message>
        <source>Memory limit</source>
        <translation>Speichergrenze</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Networks in the ensemble</source>
        <translation>Netze im Ensemble</translation>
    </message>
    <message>
        <source>Offset of reflectance</source>
        <translation>Versatz der Reflexion</translation>
    </message>
    <message>
        <source>Out-of-fold predictions</source>
        <translation>Vorhersagen außerhalb der Teilung</translation>
    </message>
    <message>
        <source>Radius of relative elevation</source>
        <translation>Radius der relativen Höhe</translation>
    </message>
    <message>
        <source>Ready-made covariates</source>
        <translation>Fertige Kovariaten</translation>
    </message>
    <message>
        <source>Reference grid</source>
        <translation>Bezugsraster</translation>
    </message>
    <message>
        <source>Report</source>
        <translation>Bericht</translation>
    </message>
    <message>
        <source>Scale of reflectance</source>
        <translation>Maßstab der Reflexion</translation>
    </message>
    <message>
        <source>Scenes</source>
        <translation>Szenen</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>Startzahl</translation>
    </message>
    <message>
        <source>Sensor</source>
        <translation>Sensor</translation>
    </message>
    <message>
        <source>Smoothing of elevation</source>
        <translation>Glättung der Höhe</translation>
    </message>
    <message>
        <source>System</source>
        <translation>System</translation>
    </message>
    <message>
        <source>Target field</source>
        <translation>Zielfeld</translation>
    </message>
    <message>
        <source>Terrain covariates</source>
        <translation>Geländekovariaten</translation>
    </message>
    <message>
        <source>Time limit</source>
        <translation>Zeitgrenze</translation>
    </message>
    <message>
        <source>Transform of the target</source>
        <translation>Umformung der Zielgröße</translation>
    </message>
    <message>
        <source>Unit of the target</source>
        <translation>Einheit der Zielgröße</translation>
    </message>
    <message>
        <source>Validation</source>
        <translation>Prüfung</translation>
    </message>
    <message>
        <source>Weight decay</source>
        <translation>Gewichtsabnahme</translation>
    </message>
    <message>
        <source>Width</source>
        <translation>Breite</translation>
    </message>
    <message>
        <source>Window</source>
        <translation>Fenster</translation>
    </message>
    <message>
        <source>Threads</source>
        <translation>Threads</translation>
    </message>
    <message>
        <source>Output folder</source>
        <translation>Ausgabeordner</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>Größe</translation>
    </message>
    <message>
        <source>Campaigns</source>
        <translation>Kampagnen</translation>
    </message>
    <message>
        <source>Unit of smoothing</source>
        <translation>Einheit der Glättung</translation>
    </message>
    <message>
        <source>Method of slope and curvature</source>
        <translation>Verfahren für Neigung und Krümmung</translation>
    </message>
    <message>
        <source>Window of slope and curvature</source>
        <translation>Fenster für Neigung und Krümmung</translation>
    </message>
    <message>
        <source>Radii of topographic position</source>
        <translation>Radien der topografischen Position</translation>
    </message>
</context>
</TS>
