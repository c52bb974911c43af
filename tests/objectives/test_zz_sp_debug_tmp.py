import io, keras_hub, pytest, tensorflow as tf, sys
sys.path.insert(0,"/work/main")
from keras_ssl.augment.text import graph_tokenizer
@pytest.fixture(scope="module")
def pieces():
    import sentencepiece
    m=io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(["the big cat saw a red dog","a bird heard the small fish"]*5),model_writer=m,vocab_size=40,hard_vocab_limit=False,pad_id=0,eos_id=1,unk_id=2,bos_id=-1,pad_piece="<pad>",minloglevel=2)
    return keras_hub.models.T5Tokenizer(proto=m.getvalue())
def test_a(pieces):
    print(graph_tokenizer(pieces)(tf.constant(["a cat"])).to_list())
def test_b(pieces):
    t=keras_hub.models.T5Tokenizer(proto=pieces.proto)
    f=graph_tokenizer(t); f.get_concrete_function()
    print(f(tf.constant(["a cat"])).to_list())
def test_c(pieces):
    t=keras_hub.models.T5Tokenizer(proto=pieces.proto)
    from keras_ssl.objectives import SpanCorruption
    b=keras_hub.models.T5Backbone(vocabulary_size=60,num_layers=1,num_heads=2,hidden_dim=8,intermediate_dim=16)
    m=SpanCorruption(b,t)
    print(graph_tokenizer(t)(tf.constant(["a cat"])).to_list())
    print(m.ids_of(["a cat"]))
