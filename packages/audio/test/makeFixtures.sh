#!/bin/sh
# Makes the compressed and multi-channel fixtures and what ffmpeg decodes from them.
# Usage: makeFixtures.sh LJ001-0002.wav   (LJ Speech, public domain; needs ffmpeg with libvorbis, libopus, libmp3lame)
set -eu
speech="$1"
out="$(dirname "$0")/fixtures/formats"
mkdir -p "$out"
cd "$out"
ff() { ffmpeg -hide_banner -loglevel error -y -bitexact "$@"; }

part="atrim=0.5:0.75,asetpts=N/SR/TB"
# Two channels that differ: speech left, speech reversed and halved right.
stereo="atrim=0.6:0.75,asetpts=N/SR/TB,asplit[a][b];[b]areverse,volume=0.5[c];[a][c]join=inputs=2:channel_layout=stereo"
# Six channels, each 1/6 louder than the one before.
six="$part,asplit=6[a][b][c][d][e][f];[a]volume=1/6[a1];[b]volume=2/6[b1];[c]volume=3/6[c1];[d]volume=4/6[d1];[e]volume=5/6[e1];[a1][b1][c1][d1][e1][f]join=inputs=6:channel_layout=5.1"

ff -i "$speech" -af "$part" -c:a pcm_s16le speech.wav
ff -i "$speech" -af "$part" -c:a pcm_s24le speech-24.wav
ff -i "$speech" -af "$part,volume=1.7" -c:a pcm_f32le speech-float.wav
ff -i "$speech" -af "$part" -c:a pcm_alaw speech-alaw.wav
ff -i "$speech" -af "$part" -c:a pcm_mulaw speech-mulaw.wav
ff -i "$speech" -filter_complex "$six,atrim=0:0.05" -c:a pcm_s24le six-24.wav
ff -i "$speech" -af "$part" -c:a flac -compression_level 8 speech.flac
ff -i "$speech" -filter_complex "$stereo" -c:a flac -sample_fmt s32 -bits_per_raw_sample 24 stereo-24.flac
ff -i "$speech" -filter_complex "$stereo" -c:a flac -f ogg stereo.oga
ff -i "$speech" -filter_complex "$stereo,aresample=44100" -c:a libmp3lame -b:a 128k stereo.mp3
ff -i "$speech" -af "$part" -c:a libmp3lame -b:a 32k speech.mp3
ff -i "$speech" -filter_complex "$stereo" -c:a libvorbis -q:a 4 stereo.ogg
ff -i "$speech" -filter_complex "$stereo" -ar 48000 -c:a libopus -b:a 48k stereo.opus
ff -i "$speech" -filter_complex "$six,aresample=48000,atrim=0:0.05" -c:a libopus -mapping_family 1 -b:a 128k six.opus

for coded in speech-alaw.wav speech-mulaw.wav six-24.wav speech.flac stereo-24.flac stereo.oga stereo.mp3 speech.mp3 stereo.ogg stereo.opus six.opus; do
  case $coded in *-24.*) format=s32le ;; *) format=s16le ;; esac
  # libopus itself: ffmpeg's own Opus decoder resamples the speech layer differently.
  case $coded in *.opus) decoder="-c:a libopus" ;; *) decoder="" ;; esac
  ff $decoder -i "$coded" -map 0:a -f "$format" -c:a "pcm_$format" "$coded.$format"
done
ls -l
