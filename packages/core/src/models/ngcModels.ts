import type { PretrainedModelInfo } from './pretrained.js'

const NGC = 'https://api.ngc.nvidia.com/v2/models/nvidia'

// By class: the model's name, and where it differs from `nemo/NAME/versions/1.0.0rc1/files/NAME.nemo` its place.
const byTarget: Readonly<Record<string, readonly (string | readonly [name: string, place: string])[]>> = {
  'nemo.collections.asr.models.classification_models.EncDecClassificationModel': [
    'vad_telephony_marblenet',
    'vad_marblenet',
    'commandrecognition_en_matchboxnet3x1x64_v1',
    'commandrecognition_en_matchboxnet3x2x64_v1',
    'commandrecognition_en_matchboxnet3x1x64_v2',
    'commandrecognition_en_matchboxnet3x2x64_v2',
    'commandrecognition_en_matchboxnet3x1x64_v2_subset_task',
    'commandrecognition_en_matchboxnet3x2x64_v2_subset_task',
  ],
  'nemo.collections.asr.models.ctc_bpe_models.EncDecCTCModelBPE': [
    'stt_en_citrinet_256',
    'stt_en_citrinet_512',
    'stt_en_citrinet_1024',
    ['stt_es_citrinet_512', 'nemo/stt_es_citrinet_512/versions/1.0.0/files/stt_es_citrinet_512.nemo'],
    [
      'stt_en_conformer_ctc_small',
      'nemo/stt_en_conformer_ctc_small/versions/1.0.0/files/stt_en_conformer_ctc_small.nemo',
    ],
    [
      'stt_en_conformer_ctc_medium',
      'nemo/stt_en_conformer_ctc_medium/versions/1.0.0/files/stt_en_conformer_ctc_medium.nemo',
    ],
    [
      'stt_en_conformer_ctc_large',
      'nemo/stt_en_conformer_ctc_large/versions/1.0.0/files/stt_en_conformer_ctc_large.nemo',
    ],
    [
      'stt_en_conformer_ctc_small_ls',
      'nemo/stt_en_conformer_ctc_small_ls/versions/1.0.0/files/stt_en_conformer_ctc_small_ls.nemo',
    ],
    [
      'stt_en_conformer_ctc_medium_ls',
      'nemo/stt_en_conformer_ctc_medium_ls/versions/1.0.0/files/stt_en_conformer_ctc_medium_ls.nemo',
    ],
    [
      'stt_en_conformer_ctc_large_ls',
      'nemo/stt_en_conformer_ctc_large_ls/versions/1.0.0/files/stt_en_conformer_ctc_large_ls.nemo',
    ],
  ],
  'nemo.collections.asr.models.ctc_models.EncDecCTCModel': [
    ['QuartzNet15x5Base-En', 'nemospeechmodels/versions/1.0.0a5/files/QuartzNet15x5Base-En.nemo'],
    'stt_en_quartznet15x5',
    'stt_zh_quartznet15x5',
    'stt_en_jasper10x5dr',
    'stt_ca_quartznet15x5',
    'stt_it_quartznet15x5',
    'stt_fr_quartznet15x5',
    'stt_es_quartznet15x5',
    'stt_de_quartznet15x5',
    'stt_pl_quartznet15x5',
    'stt_ru_quartznet15x5',
    'stt_zh_citrinet_512',
    ['asr_talknet_aligner', 'nemo/asr_talknet_aligner/versions/1.0.0rc1/files/qn5x5_libri_tts_phonemes.nemo'],
  ],
  'nemo.collections.asr.models.label_models.EncDecSpeakerLabelModel': [
    'speakerrecognition_speakernet',
    'speakerverification_speakernet',
    'speakerdiarization_speakernet',
  ],
  'nemo.collections.nlp.models.intent_slot_classification.intent_slot_classification_model.IntentSlotClassificationModel':
    [['Joint_Intent_Slot_Assistant', 'nemonlpmodels/versions/1.0.0a5/files/Joint_Intent_Slot_Assistant.nemo']],
  'nemo.collections.nlp.models.language_modeling.bert_lm_model.BERTLMModel': ['bertbaseuncased', 'bertlargeuncased'],
  'nemo.collections.nlp.models.machine_translation.mt_enc_dec_model.MTEncDecModel': [
    'nmt_en_de_transformer12x2',
    'nmt_de_en_transformer12x2',
    'nmt_en_es_transformer12x2',
    'nmt_es_en_transformer12x2',
    'nmt_en_fr_transformer12x2',
    'nmt_fr_en_transformer12x2',
    'nmt_en_ru_transformer6x6',
    'nmt_ru_en_transformer6x6',
    'nmt_zh_en_transformer6x6',
    'nmt_en_zh_transformer6x6',
  ],
  'nemo.collections.nlp.models.question_answering.qa_model.QAModel': [
    ['qa_squadv1.1_bertbase', 'nemo/qa_squadv1_1_bertbase/versions/1.0.0rc1/files/qa_squadv1.1_bertbase.nemo'],
    ['qa_squadv2.0_bertbase', 'nemo/qa_squadv2_0_bertbase/versions/1.0.0rc1/files/qa_squadv2.0_bertbase.nemo'],
    ['qa_squadv1_1_bertlarge', 'nemo/qa_squadv1_1_bertlarge/versions/1.0.0rc1/files/qa_squadv1.1_bertlarge.nemo'],
    ['qa_squadv2.0_bertlarge', 'nemo/qa_squadv2_0_bertlarge/versions/1.0.0rc1/files/qa_squadv2.0_bertlarge.nemo'],
    [
      'qa_squadv1_1_megatron_cased',
      'nemo/qa_squadv1_1_megatron_cased/versions/1.0.0rc1/files/qa_squadv1.1_megatron_cased.nemo',
    ],
    [
      'qa_squadv2.0_megatron_cased',
      'nemo/qa_squadv2_0_megatron_cased/versions/1.0.0rc1/files/qa_squadv2.0_megatron_cased.nemo',
    ],
    [
      'qa_squadv1.1_megatron_uncased',
      'nemo/qa_squadv1_1_megatron_uncased/versions/1.0.0rc1/files/qa_squadv1.1_megatron_uncased.nemo',
    ],
    [
      'qa_squadv2.0_megatron_uncased',
      'nemo/qa_squadv2_0_megatron_uncased/versions/1.0.0rc1/files/qa_squadv2.0_megatron_uncased.nemo',
    ],
  ],
  'nemo.collections.nlp.models.token_classification.punctuation_capitalization_model.PunctuationCapitalizationModel': [
    'punctuation_en_bert',
    'punctuation_en_distilbert',
  ],
  'nemo.collections.nlp.models.token_classification.token_classification_model.TokenClassificationModel': [
    'ner_en_bert',
  ],
  'nemo.collections.tts.models.fastpitch.FastPitchModel': [
    ['tts_en_fastpitch', 'nemo/tts_en_fastpitch/versions/1.0.0/files/tts_en_fastpitch.nemo'],
  ],
  'nemo.collections.tts.models.fastpitch_hifigan_e2e.FastPitchHifiGanE2EModel': [
    [
      'tts_en_e2e_fastpitchhifigan',
      'nemo/tts_en_e2e_fastpitchhifigan/versions/1.0.0/files/tts_en_e2e_fastpitchhifigan.nemo',
    ],
  ],
  'nemo.collections.tts.models.fastspeech2.FastSpeech2Model': [
    ['tts_en_fastspeech2', 'nemo/tts_en_fastspeech_2/versions/1.0.0/files/tts_en_fastspeech2.nemo'],
  ],
  'nemo.collections.tts.models.fastspeech2_hifigan_e2e.FastSpeech2HifiGanE2EModel': [
    [
      'tts_en_e2e_fastspeech2hifigan',
      'nemo/tts_en_e2e_fastspeech2hifigan/versions/1.0.0/files/tts_en_e2e_fastspeech2hifigan.nemo',
    ],
  ],
  'nemo.collections.tts.models.glow_tts.GlowTTSModel': ['tts_en_glowtts'],
  'nemo.collections.tts.models.hifigan.HifiGanModel': ['tts_hifigan'],
  'nemo.collections.tts.models.melgan.MelGanModel': [
    ['tts_melgan', 'nemo/tts_melgan/versions/1.0.0/files/tts_melgan.nemo'],
  ],
  'nemo.collections.tts.models.squeezewave.SqueezeWaveModel': ['tts_squeezewave'],
  'nemo.collections.tts.models.tacotron2.Tacotron2Model': [
    ['tts_en_tacotron2', 'nemo/tts_en_tacotron2/versions/1.0.0/files/tts_en_tacotron2.nemo'],
  ],
  'nemo.collections.tts.models.talknet.TalkNetDursModel': [
    ['tts_en_talknet', 'nemo/tts_en_talknet/versions/1.0.0rc1/files/talknet_durs.nemo'],
  ],
  'nemo.collections.tts.models.talknet.TalkNetPitchModel': [
    ['tts_en_talknet', 'nemo/tts_en_talknet/versions/1.0.0rc1/files/talknet_pitch.nemo'],
  ],
  'nemo.collections.tts.models.talknet.TalkNetSpectModel': [
    ['tts_en_talknet', 'nemo/tts_en_talknet/versions/1.0.0rc1/files/talknet_spect.nemo'],
  ],
  'nemo.collections.tts.models.uniglow.UniGlowModel': ['tts_uniglow'],
  'nemo.collections.tts.models.waveglow.WaveGlowModel': [
    'tts_waveglow_268m',
    ['tts_waveglow_88m', 'nemo/tts_waveglow_88m/versions/1.0.0/files/tts_waveglow.nemo'],
  ],
}

/** The public models of NeMo 1.0 and their addresses on NGC. Source: NeMo v1.0.0 `list_available_models`. */
export const ngcModels: readonly PretrainedModelInfo[] = Object.entries(byTarget).flatMap(([target, models]) =>
  models.map((model) => {
    const [name, place] =
      typeof model === 'string' ? [model, `nemo/${model}/versions/1.0.0rc1/files/${model}.nemo`] : model
    return { name, target, location: `${NGC}/${place}` }
  }),
)
