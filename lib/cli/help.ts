/** What --openslide means, continued after `indent` columns. */
function openslide(indent: number): string {
  return `the installed OpenSlide that may read
${' '.repeat(indent)}what histojet itself does not; switch it off for files that you do not trust`;
}

/** Text of `histojet help`. */
export const overview = `histojet: computational pathology in Node.js

Usage: histojet COMMAND [options]

  info SLIDE [--json]         what a slide is: size, levels, resolution, properties
  nuclei SLIDE... -o OUT      find every nucleus and write QuPath or HoVer-Net files
  classify SLIDE...           grade or classify whole slides with a Pixel-Mamba network
  explain SLIDE -o OUT        heat map of where such an answer comes from, as PNG or pyramidal TIFF
  convert SLIDE OUT.tif       copy a slide, or a part of it, to a pyramidal TIFF or OME-TIFF
  evaluate TRUTH PREDICTION   compare two files of nuclei: Dice, AJI, PQ, and the classes
  demo [--out DIR]            try everything on a synthetic slide
  doctor [SLIDE]              what this machine offers, or what is known of a slide; a self-test
  help [COMMAND]              this text, or all options of a command
  --version                   the version

Exit codes: 0 done, 2 some of several slides failed, 3 bad input or arguments, 4 could not write, 130/143 interrupted,
1 anything else.
`;

const info = `Usage: histojet info SLIDE [--json] [--tolerant] [--openslide WHICH]

Shows what a slide is. SLIDE: a file, the folder of a DICOM or OME-Zarr slide, or an http or https address.

  --json              one JSON object: path, format, width, height, levels, mpp, objectivePower, bounds,
                      properties, associatedImages, warnings
  --tolerant          open a slide with damaged parts as far as it goes
  --openslide WHICH   auto (default), off or PATH: ${openslide(22)}
`;

const nuclei = `Usage: histojet nuclei SLIDE... -o OUT [options]

Finds every nucleus of a slide and writes outlines as the run goes. OUT tells its format by its extension:
.geojson, .geojson.gz (QuPath detections), .json (HoVer-Net), .csv, .db (TIAToolbox AnnotationStore),
.dcm (DICOM annotations), .parquet (GeoParquet). Until it is complete it is called OUT.part, which is a
valid document at all times (but .dcm and .parquet), also after Ctrl-C.

Several slides, folders of slides or patterns ('cases/**/*.svs') go into OUT as a folder: a slide that fails
does not stop the others, processes that share OUT do not take the same slide, and summary.json and
summary.md there tell how each went. What is finished of a slide is noted in OUT.checkpoint until it is
done: after a crash, a power failure or Ctrl-C, the same command with --resume goes on from there.

  -m, --weights FILE      weights of a HoverFast or HoVer-Net network (.pth, .tar, .safetensors; the tensors
                          tell which); default: the packaged ones of a HoverFast, trained on synthetic
                          slides for trying things out. Networks with classes give each nucleus its class
  -o, --output OUT        where to write; may be given several times for several files in one pass.
                          With several slides one folder, made when missing
  --format NAME           geojson, geojson.gz, hovernet-json, csv, annotation-store, dicom-ann
                          or parquet, whatever the extension says; for a folder one or several with
                          commas between them, default geojson.gz
  --resume                go on with what earlier runs with the same settings have left; in a folder,
                          slides whose files are there are done
  --mpp N                 micrometres per pixel that the network works at, default its own; for a slide
                          that does not say its resolution: that of the slide
  --region X,Y,W,H        this part only, in level-0 pixels
  --tissue, --no-tissue   work where there is tissue (default), or everywhere
  --variant NAME          whose procedure splits touching nuclei: hovernet (default) or hoverfast
  --min-area-um2 N        smallest nucleus in square micrometres
  --simplify N            simplification of outlines in thousandths of their length; 0 none
  --stain NAME            he (default) or ihc-dab
  --measure               also measure each nucleus: perimeter, circularity, axes, eccentricity, solidity,
                          and mean and deviation of its stains' optical density (not in HoVer-Net's .json)
  --precision NAME        high (default), float32 or fast
  --device NAME           auto (default) or cpu
  --threads N             how many windows are worked on at once, default all cores
  --tile-size N           largest side of the network's tiles, 256 to 4096 px, default 1280 (HoverFast) or
                          800 (HoVer-Net); memory grows with its square
  --max-memory SIZE       resident memory that the process stays below (800MB, 2GB): works on less at once
  --tolerant              paint damaged tiles as background instead of stopping
  --openslide WHICH       auto (default), off or PATH: ${openslide(26)}
  --overlay OUT.png       also a picture of the slide or region with the outlines, at most 4096 px
  --heatmap OUT.png       also the density of nuclei, as PNG or pyramidal TIFF (.tif), and one picture for
                          each class; for several slides both say what the names end in (.heat.png)
  --progress MODE         bar (default on a terminal), json (one object per line on stderr), none
`;

const classify = `Usage: histojet classify SLIDE... [-m WEIGHTS] [-o OUT.json] [options]

Says what a Pixel-Mamba network says of each slide: class, grade, risk or numbers, by the network's head. It reads
every pixel, region by region, in memory that does not depend on the slide. SLIDE may be files, folders and patterns;
a slide that fails does not stop the others.

  -m, --weights FILE      weights with their configuration (.safetensors, .pth); default: the packaged ones, trained
                          to grade synthetic slides for trying things out
  -o, --output OUT.json   also write everything that is known of each prediction to a file
  --json                  one JSON object per slide on stdout
  --mpp N                 micrometres per pixel of slides that do not say it
  --region X,Y,W,H        this part only, in level-0 pixels
  --tissue, --no-tissue   leave out regions without tissue, or none; default: as the network was trained
  --min-tissue N          a region with a smaller share of tissue is left out, 0 to 1
  --precision NAME        high (default), float32 or fast
  --device NAME           auto (default) or cpu
  --threads N             default all cores
  --max-memory SIZE       memory for what waits for later stages (default 1GiB); the rest waits in a file
  --spill-dir DIR         where that file is, default the system's temporary folder
  --tolerant              paint damaged tiles as background instead of stopping
  --openslide WHICH       auto (default), off or PATH: ${openslide(26)}
  --progress MODE         bar (default on a terminal), json (one object per line on stderr), none
`;

const explain = `Usage: histojet explain SLIDE -o OUT [-o OUT...] [-m WEIGHTS] [options]

Shows where the answer of \`histojet classify\` comes from: by attention roll-out through all layers of the network, in
linear time, or by covering squares of the slide, one at a time. OUT.png is the heat map over the slide, OUT.tif the heat
map alone as a pyramidal TIFF that lies on the slide, OUT.values.ome.tif its numbers (float32). OUT.json beside each of
them says what it shows.

  -m, --weights FILE      as for classify
  -o, --output OUT        where to write; may be given several times
  --method NAME           rollout (default) or occlusion
  --target N              number of the output that is explained, or features for what was looked at (rollout); default:
                          the predicted class, or the threshold below the predicted grade
  --token-px N            rollout: side of the smallest squares that get a value, pixels of the network's resolution;
                          default: the smallest that memory is enough for
  --square-px N           occlusion: side of the smallest squares that are covered; default: a quarter of a region's
  --evaluations N         occlusion: how often the network may look, default 200
  --part NAME             all (default), local (came along paths within regions), global (between them), or against
                          (what speaks against the target); occlusion: all or against
  --check                 hold the map against the network: cover and uncover squares in the order of their relevance,
                          and in random orders, and print the mean score of each
  --random N, --seed N    with --check: how many random orders (default 3), seed of the first (default 1)
  --json                  one JSON object on stdout
  --mpp N, --region X,Y,W,H, --tissue, --no-tissue, --min-tissue N, --precision NAME, --device NAME, --threads N,
  --max-memory SIZE, --spill-dir DIR, --tolerant, --openslide WHICH, --progress MODE
                          as for classify
`;

const convert = `Usage: histojet convert SLIDE OUT.tif [options]

Copies a slide, or a part of it, to a tiled, pyramidal BigTIFF; to OME-TIFF where OUT ends in .ome.tif.
The ICC profile comes along. Until it is complete the file is called OUT.part, which vanishes when the
copy fails or is interrupted.

  --compression NAME   jpeg (default), deflate, zstd or none; all but jpeg keep every pixel
  --quality N          of JPEG, 1 to 100, default 88; from 90 on the colours are not subsampled
  --tile-size N        side of the stored tiles in pixels, a multiple of 16, default 256
  --mpp N              resample to this many micrometres per pixel; for a slide that does not say its
                       resolution: record it
  --region X,Y,W,H     this part only, in level-0 pixels
  --no-pyramid         full resolution only
  --tolerant           paint damaged tiles as background instead of stopping
  --openslide WHICH    auto (default), off or PATH: ${openslide(23)}
  --progress MODE      bar (default on a terminal), json (one object per line on stderr), none
`;

const evaluate = `Usage: histojet evaluate TRUTH PREDICTION [--types] [options]

Compares the nuclei of two files, GeoJSON or HoVer-Net JSON (packed with gzip or not) or AnnotationStore,
with HoVer-Net's measures: Dice, AJI, DQ, SQ, PQ, AJI+. Coordinates of both must mean the same pixels.

  --types             also compare the classes, by name: detection F1, accuracy, and per class DQ, SQ,
                      PQ and F1. Numbers without names take those of the other file, else Class 1, ...
  --classes A,B,...   with --types: names of the classes 1, 2, ... of files that tell numbers only
  --radius-px N       with --types: farthest distance of paired centroids, default 12
  --pixel N           side of the grid on which areas are counted, in the files' pixels, default 1
  --magnification N   of level 0: scales HoVer-Net files from their own magnification to it
  --json              one JSON object
`;

const demo = `Usage: histojet demo [--out DIR] [--size N] [--seed N] [--threads N] [--precision NAME] [--progress MODE]

Draws a synthetic H&E slide with known nuclei, finds them with the packaged weights, writes GeoJSON and
a picture with the outlines, and scores the result against the truth.

  --out DIR          where the files go, default demo-output
  --size N           side of the slide in pixels, 1024 to 100000, default 10000
  --seed N           another slide, default 1
  --threads N        how many windows are worked on at once, default all cores
  --precision NAME   high (default), float32 or fast
  --progress MODE    bar (default on a terminal), json, none
`;

const doctor = `Usage: histojet doctor [SLIDE [--openslide WHICH]]

Shows versions, the processor and what is used of it, and checks that the packaged weights load and
compute. With a slide: what it is, where its micrometres per pixel come from, and whether every level
and associated image reads. Exit code 0 when all is well.

  --openslide WHICH   auto (default), off or PATH: ${openslide(22)}
`;

/** Texts of `histojet help COMMAND`. */
export const commandHelp: ReadonlyMap<string, string> = new Map([
  ['info', info],
  ['nuclei', nuclei],
  ['classify', classify],
  ['explain', explain],
  ['convert', convert],
  ['evaluate', evaluate],
  ['demo', demo],
  ['doctor', doctor],
]);
